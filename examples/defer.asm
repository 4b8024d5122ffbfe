; Deferred calls: what has to be done at the end of a function, however it ends.
;
; `defer` takes a prepared call and keeps it until the running function returns or is left by an exception. The latest
; deferred call comes first. Its arguments are those of the moment when it was deferred.

.function: say/1
    allocate_registers %2 local

    move %1 local %0 parameters
    print %1 local
    return
.end

.function: work/0
    allocate_registers %3 local

    .name: 1 words
    .name: 2 failure

    frame ^[(move %0 arguments (text %words local "closing the shop") local)]
    defer say/1
    frame ^[(move %0 arguments (text %words local "putting the tools away") local)]
    defer say/1

    print (text %words local "working") local
    text %failure local "the roof came down"
    throw %failure local
    return
.end

.function: main/0
    allocate_registers %2 local

    .name: 1 failure

    try
    catch "Text" .block: mourn
        print (draw %failure local) local
        leave
    .end
    enter .block: employ
        frame %0
        call void work/0
        leave
    .end

    izero %0 local
    return
.end
