; A watchdog: what a process leaves behind when it dies.
;
; An exception that nobody catches kills its process, and only it. A process that nobody will join may name a
; function that takes over then; it gets a struct that tells what happened.

.function: report/1
    allocate_registers %4 local

    .name: 1 death
    .name: 2 key
    .name: 3 part

    move %death local %0 parameters
    structremove %part local %death local (atom %key local 'function') local
    print %part local
    structremove %part local %death local (atom %key local 'exception') local
    print %part local
    return
.end

.function: fragile/1
    allocate_registers %3 local

    .name: 1 divisor
    .name: 2 number

    frame %1
    watchdog report/1

    move %divisor local %0 parameters
    integer %number local 42
    div %number local %number local %divisor local
    print %number local
    return
.end

.function: main/0
    allocate_registers %2 local

    .name: 1 divisor

    frame ^[(move %0 arguments (izero %divisor local) local)]
    process void fragile/1

    izero %0 local
    return
.end
