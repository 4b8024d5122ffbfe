; Processes: work in parallel, results by `join`.
;
; `process` starts a function on its own and gives its pid at once; `join` waits for it and takes its result. Processes
; share nothing: what is passed to one, or comes back from it, changes its owner.

; The sum of the numbers from 1 to n, the slow way.
.function: sum/1
    allocate_registers %3 local

    .name: 1 n
    .name: 2 total

    move %n local %0 parameters
    izero %total local

    .mark: next
    if %n local add_one finish

    .mark: add_one
    add %total local %total local %n local
    idec %n local
    jump next

    .mark: finish
    move %0 local %total local
    return
.end

.function: main/0
    allocate_registers %6 local

    .name: 1 workers
    .name: 2 n
    .name: 3 worker
    .name: 4 result
    .name: 5 first

    vector %workers local
    integer %n local 5

    .mark: start
    if %n local spawn collect

    .mark: spawn
    frame ^[(copy %0 arguments %n local)]
    process %worker local sum/1
    vpush %workers local %worker local
    idec %n local
    jump start

    .mark: collect
    if %workers local take finish

    .mark: take
    vpop %worker local %workers local (izero %first local) local
    join %result local %worker local
    print %result local
    jump collect

    .mark: finish
    izero %0 local
    return
.end
