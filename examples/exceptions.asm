; Exceptions: one thrown by the program, one raised by the machine.
;
; `try` prepares catchers, `catch` adds them, `enter` runs a block under their protection. What is thrown inside,
; however deep, is caught by the catcher for exactly its tag; `draw` takes the caught object. A block works on the
; registers of the function that entered it.

; What is left of a balance after a withdrawal.
.function: withdraw/2
    allocate_registers %7 local

    .name: 1 balance
    .name: 2 amount
    .name: 3 is_enough
    .name: 4 missing
    .name: 5 tag
    .name: 6 failure

    move %balance local %0 parameters
    move %amount local %1 parameters
    gte %is_enough local %balance local %amount local
    if %is_enough local pay

    sub %missing local %amount local %balance local
    exception %failure local (atom %tag local 'Insufficient_funds') local %missing local
    throw %failure local

    .mark: pay
    sub %0 local %balance local %amount local
    return
.end

; Takes the given amount out of a balance of 100 and tells what came of it.
.function: attempt/1
    allocate_registers %6 local

    .name: 1 amount
    .name: 2 balance
    .name: 3 words
    .name: 4 failure
    .name: 5 missing

    move %amount local %0 parameters

    try
    catch "Insufficient_funds" .block: refuse
        draw %failure local
        exception_value %missing local %failure local
        echo (text %words local "refused, missing ") local
        print %missing local
        leave
    .end
    enter .block: pay
        frame ^[
            (move %0 arguments (integer %balance local 100) local)
            (copy %1 arguments %amount local)
        ]
        call %balance local withdraw/2
        echo (text %words local "paid, left ") local
        print %balance local
        leave
    .end

    return
.end

.function: ratio/2
    allocate_registers %3 local

    move %1 local %0 parameters
    move %2 local %1 parameters
    div %0 local %1 local %2 local
    return
.end

.function: main/0
    allocate_registers %4 local

    .name: 1 number
    .name: 2 divisor
    .name: 3 result

    frame ^[(move %0 arguments (integer %number local 30) local)]
    call void attempt/1
    frame ^[(move %0 arguments (integer %number local 130) local)]
    call void attempt/1

    try
    catch "Zero_division" .block: explain
        print (draw %result local) local
        leave
    .end
    enter .block: divide
        frame ^[
            (move %0 arguments (integer %number local 1) local)
            (move %1 arguments (izero %divisor local) local)
        ]
        print (call %result local ratio/2) local
        leave
    .end

    izero %0 local
    return
.end
