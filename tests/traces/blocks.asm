.block: lowest
    iinc %1 local
    leave
.end
.block: middle
    try
    enter lowest
    leave
.end
.function: main/1
    allocate_registers %3 local

    .name: 1 total
    .name: 2 arguments_given

    move %arguments_given local %0 parameters
    integer %total local 0
    if %arguments_given local describe count

    .mark: describe
    text %total local "many"

    .mark: count
    try
    enter middle
    print %total local
    izero %0 local
    return
.end
