; std::vector: making and looking through vectors.

; The Integers 0, 1, ... below n.
.function: std::vector::of_ints/1
    allocate_registers %5 local

    .name: 1 n
    .name: 2 i
    .name: 3 more
    .name: 4 element

    move %n local %0 parameters
    vector %0 local
    izero %i local

    .mark: next
    ; The first operand decides how numbers are compared: n may be a Float.
    gt %more local %n local %i local
    if %more local append done

    .mark: append
    copy %element local %i local
    vpush %0 local %element local
    iinc %i local
    jump next

    .mark: done
    return
.end

; fn(0), fn(1), ... below n.
.function: std::vector::of/2
    allocate_registers %6 local

    .name: 1 n
    .name: 2 fn
    .name: 3 i
    .name: 4 more
    .name: 5 element

    move %n local %0 parameters
    move %fn local %1 parameters
    vector %0 local
    izero %i local

    .mark: next
    gt %more local %n local %i local
    if %more local append done

    .mark: append
    frame ^[(copy %0 arguments %i local)]
    call %element local %fn local
    vpush %0 local %element local
    iinc %i local
    jump next

    .mark: done
    return
.end

; A new vector with the elements of the other one, last one first.
.function: std::vector::reverse/1
    allocate_registers %4 local

    .name: 1 source
    .name: 2 left
    .name: 3 element

    move %source local %0 parameters
    vector %0 local

    .mark: next
    vlen %left local %source local
    if %left local take done

    .mark: take
    vpop %element local %source local void
    vpush %0 local %element local
    jump next

    .mark: done
    return
.end

; The same vector, reversed. Its elements go to another vector and come back by way of a third, so that they arrive in
; the order in which they left: linear time, with nothing but pushes and pops at the end.
.function: std::vector::reverse_in_place/1
    allocate_registers %5 local

    .name: 1 there
    .name: 2 back
    .name: 3 left
    .name: 4 element

    move %0 local %0 parameters
    vector %there local
    vector %back local

    .mark: leave_next
    vlen %left local %0 local
    if %left local leave_one all_left

    .mark: leave_one
    vpop %element local %0 local void
    vpush %there local %element local
    jump leave_next

    .mark: all_left
    vlen %left local %there local
    if %left local turn_one all_turned

    .mark: turn_one
    vpop %element local %there local void
    vpush %back local %element local
    jump all_left

    .mark: all_turned
    vlen %left local %back local
    if %left local return_one all_returned

    .mark: return_one
    vpop %element local %back local void
    vpush %0 local %element local
    jump all_turned

    .mark: all_returned
    return
.end

; Whether fn is true for all elements. Stops at the first that is not.
.function: std::vector::every/2
    allocate_registers %8 local

    .name: 1 source
    .name: 2 fn
    .name: 3 i
    .name: 4 length
    .name: 5 more
    .name: 6 element
    .name: 7 answer

    move %source local %0 parameters
    move %fn local %1 parameters
    vlen %length local %source local
    izero %i local

    .mark: next
    lt %more local %i local %length local
    if %more local ask all

    .mark: ask
    vat %element local %source local %i local
    frame ^[(copy %0 arguments *element local)]
    call %answer local %fn local
    iinc %i local
    if %answer local next not_all

    .mark: not_all
    izero %i local
    not %0 local %i local
    not %0 local %0 local
    return

    .mark: all
    izero %i local
    not %0 local %i local
    return
.end

; What fn returned for the first element for which it is true, else for none: false, or what it returned last.
.function: std::vector::any/2
    allocate_registers %7 local

    .name: 1 source
    .name: 2 fn
    .name: 3 i
    .name: 4 length
    .name: 5 more
    .name: 6 element

    move %source local %0 parameters
    move %fn local %1 parameters
    vlen %length local %source local
    izero %i local
    not %0 local %i local
    not %0 local %0 local

    .mark: next
    lt %more local %i local %length local
    if %more local ask done

    .mark: ask
    vat %element local %source local %i local
    frame ^[(copy %0 arguments *element local)]
    call %0 local %fn local
    iinc %i local
    if %0 local done next

    .mark: done
    return
.end
