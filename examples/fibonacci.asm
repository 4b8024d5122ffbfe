; Fibonacci numbers three ways: by recursion, by a loop, by tail calls.
;
; The three give the same number. The first calls itself some twenty thousand times on the way; the loop and the
; tail calls take twenty steps, and a tail call reuses the frame of its caller, so that it needs no stack.

.function: fibonacci::recursive/1
    allocate_registers %6 local

    .name: 1 n
    .name: 2 two
    .name: 3 is_small
    .name: 4 left
    .name: 5 right

    move %n local %0 parameters
    lt %is_small local %n local (integer %two local 2) local
    if %is_small local small

    idec %n local
    frame ^[(copy %0 arguments %n local)]
    call %left local fibonacci::recursive/1
    idec %n local
    frame ^[(move %0 arguments %n local)]
    call %right local fibonacci::recursive/1
    add %0 local %left local %right local
    return

    .mark: small
    move %0 local %n local
    return
.end

.function: fibonacci::iterative/1
    allocate_registers %5 local

    .name: 1 n
    .name: 2 this
    .name: 3 next
    .name: 4 sum

    move %n local %0 parameters
    integer %this local 0
    integer %next local 1

    .mark: step
    if %n local advance finish

    .mark: advance
    add %sum local %this local %next local
    move %this local %next local
    move %next local %sum local
    idec %n local
    jump step

    .mark: finish
    move %0 local %this local
    return
.end

; Parameters: how many steps are left, this number, the next number.
.function: fibonacci::tail_recursive/3
    allocate_registers %5 local

    .name: 1 n
    .name: 2 this
    .name: 3 next
    .name: 4 sum

    move %n local %0 parameters
    move %this local %1 parameters
    move %next local %2 parameters
    if %n local advance
    move %0 local %this local
    return

    .mark: advance
    idec %n local
    add %sum local %this local %next local
    frame ^[
        (move %0 arguments %n local)
        (move %1 arguments %next local)
        (move %2 arguments %sum local)
    ]
    tailcall fibonacci::tail_recursive/3
.end

.function: main/0
    allocate_registers %5 local

    .name: 1 n
    .name: 2 this
    .name: 3 next
    .name: 4 result

    integer %n local 20

    frame ^[(copy %0 arguments %n local)]
    call %result local fibonacci::recursive/1
    print %result local

    frame ^[(copy %0 arguments %n local)]
    call %result local fibonacci::iterative/1
    print %result local

    frame ^[
        (move %0 arguments %n local)
        (move %1 arguments (integer %this local 0) local)
        (move %2 arguments (integer %next local 1) local)
    ]
    call %result local fibonacci::tail_recursive/3
    print %result local

    izero %0 local
    return
.end
