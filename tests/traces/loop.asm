.function: main/0
    allocate_registers %4 local

    .name: 1 left
    .name: 2 message
    .name: 3 log

    integer %left local 3
    string %message local "again"
    vector %log local

    .mark: next
    print %message local
    vpush %log local %message local
    idec %left local
    if %left local next done

    .mark: done
    print %log local
    izero %0 local
    return
.end
