; n processes (a multiple of 1000) are alive at once, each blocked in receive; then each gets a message and ends: what a
; process takes that waits. Run it under `time -v`.
.function: waiter/1
    allocate_registers %3 local
    .name: 1 parent
    .name: 2 number
    move %parent local %0 parameters
    integer %number local 1
    send %parent local %number local
    receive %number local
    move %0 local %number local
    return
.end

.function: main/1
    allocate_registers %8 local

    .name: 1 argv
    .name: 2 left
    .name: 3 tmp
    .name: 4 pids
    .name: 5 pid
    .name: 6 some
    .name: 7 me

    move %argv local %0 parameters
    integer %tmp local 1
    vat %left local %argv local %tmp local
    stoi %left local *left local
    integer %tmp local 1000
    div %left local %left local %tmp local
    delete %tmp local
    self %me local
    vector %pids local

    ; A thousand begin, and say that they have: then the next thousand.
    .mark: thousand
    integer %some local 1000
    .mark: more
    frame %1
    copy %0 arguments %me local
    process %pid local waiter/1
    vpush %pids local %pid local
    idec %some local
    if %some local more +1
    integer %some local 1000
    .mark: begun
    receive void
    idec %some local
    if %some local begun +1
    idec %left local
    if %left local thousand +1

    vlen %left local %pids local
    izero %some local
    .mark: wake
    vpop %pid local %pids local void
    copy %me local %pid local
    send %me local (integer %tmp local 1) local
    join %tmp local %pid local
    add %some local %some local %tmp local
    idec %left local
    if %left local wake +1

    print %some local
    izero %0 local
    return
.end
