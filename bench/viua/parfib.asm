; Sixteen processes compute fib(n) each: what a second worker is worth when nothing is shared.
.function: fib/1
    allocate_registers %6 local

    .name: 1 n
    .name: 2 one
    .name: 3 left
    .name: 4 right
    .name: 5 small

    move %n local %0 parameters
    integer %one local 2
    lt %small local %n local %one local
    if %small local base recurse

    .mark: recurse
    idec %n local
    frame %1
    copy %0 arguments %n local
    call %left local fib/1
    idec %n local
    frame %1
    move %0 arguments %n local
    call %right local fib/1
    add %0 local %left local %right local
    return

    .mark: base
    move %0 local %n local
    return
.end

.function: main/1
    allocate_registers %6 local

    .name: 1 argv
    .name: 2 n
    .name: 3 left
    .name: 4 pids
    .name: 5 pid

    move %argv local %0 parameters
    integer %left local 1
    vat %n local %argv local %left local
    stoi %n local *n local
    vector %pids local
    integer %left local 16
    .mark: more
    frame %1
    copy %0 arguments %n local
    process %pid local fib/1
    vpush %pids local %pid local
    idec %left local
    if %left local more +1

    integer %left local 16
    .mark: wait
    vpop %pid local %pids local void
    join %n local %pid local
    print %n local
    idec %left local
    if %left local wait +1

    izero %0 local
    return
.end
