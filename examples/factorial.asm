; Factorial: a function that calls itself.
;
; `frame` prepares a call. Written with `^[...]` it is followed by the instructions in the list, one for each
; argument, and gets as many slots as the list has elements.

.function: factorial/1
    allocate_registers %4 local

    .name: 1 n
    .name: 2 smaller
    .name: 3 product

    move %n local %0 parameters
    if %n local multiply
    integer %0 local 1
    return

    .mark: multiply
    copy %smaller local %n local
    idec %smaller local
    frame ^[(move %0 arguments %smaller local)]
    call %product local factorial/1
    mul %0 local %n local %product local
    return
.end

.function: main/0
    allocate_registers %3 local

    .name: 1 n
    .name: 2 result

    integer %n local 20
    echo %n local
    echo (text %result local "! = ") local
    frame ^[(move %0 arguments %n local)]
    call %result local factorial/1
    print %result local

    izero %0 local
    return
.end
