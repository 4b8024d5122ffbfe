; std::misc

; Executes roughly n instructions: four in each round.
.function: std::misc::cycle/1
    allocate_registers %5 local

    .name: 1 n
    .name: 2 done
    .name: 3 step
    .name: 4 more

    move %n local %0 parameters
    izero %done local
    integer %step local 4

    .mark: next
    gt %more local %n local %done local
    if %more local round finish

    .mark: round
    add %done local %done local %step local
    jump next

    .mark: finish
    return
.end

; The truth of a value.
.function: misc::boolean/1
    allocate_registers %2 local

    .name: 1 value

    move %value local %0 parameters
    not %0 local %value local
    not %0 local %0 local
    return
.end
