; Hello, world: the smallest whole program.
;
; A function begins by saying how many local registers it wants. Register 0 holds the result; that of `main`
; is the exit code of the program.

.function: main/0
    allocate_registers %2 local

    text %1 local "Hello, World!"
    print %1 local

    izero %0 local
    return
.end
