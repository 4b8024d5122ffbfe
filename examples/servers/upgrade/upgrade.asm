; A server that is upgraded while it runs.
;
;   viuac build --lib -o lines.module lines.asm && viuac build --lib -o handler.module upgrade/handler_1.asm
;   viuac build -L . -o upgrade.bin upgrade/upgrade.asm lines.module && VIUA_LIBRARY_PATH=. viua upgrade.bin 7011
;
; Each line is answered by handler::answer/1. Put another handler.module in the place of the first, and send UPGRADE:
; the server reads it again, and from then on every connection, old or new, gets the answers of the new one. Nothing is
; lost meanwhile, and if the new module is no good the old one stays.

.import: [[dynamic]] handler
.signature: handler::answer/1
.signature: lines::serve/2
.signature: lines::write/2

.block: failed
    draw %5 local
    text %5 local %5 local
    leave
.end
.block: upgrade
    import handler
    text %5 local "upgraded"
    leave
.end

; A line has come. Parameters: pid, line.
.function: answer/2
    allocate_registers %6 local

    .name: 1 pid
    .name: 2 line
    .name: 3 yes
    .name: 4 tmp
    .name: 5 words

    move %pid local %0 parameters
    move %line local %1 parameters
    texteq %yes local %line local (text %tmp local "UPGRADE") local
    if %yes local again handle

    .mark: handle
    frame ^[(move %0 arguments %line local)]
    call %words local handler::answer/1
    jump tell

    .mark: again
    try
    catch "LinkException" failed
    enter upgrade

    .mark: tell
    textconcat %words local %words local (text %tmp local "\n") local
    frame %2
    move %0 arguments %pid local
    move %1 arguments %words local
    call void lines::write/2
    return
.end

.function: hub/0
    allocate_registers %7 local

    .name: 1 message
    .name: 2 kind
    .name: 3 pid
    .name: 4 key
    .name: 5 yes
    .name: 6 line

    receive %message local
    structremove %kind local %message local (atom %key local 'kind') local
    structremove %pid local %message local (atom %key local 'from') local
    atomeq %yes local %kind local (atom %key local 'line') local
    if %yes local +1 next
    structremove %line local %message local (atom %key local 'line') local
    frame %2
    move %0 arguments %pid local
    move %1 arguments %line local
    call void answer/2

    .mark: next
    frame %0
    tailcall hub/0
.end

.function: main/2
    allocate_registers %4 local

    .name: 1 arguments_left
    .name: 2 hub
    .name: 3 port

    frame %0
    process %hub local hub/0
    move %arguments_left local %1 parameters
    vpop %port local %arguments_left local void
    stoi %port local %port local
    frame %2
    move %0 arguments %port local
    move %1 arguments %hub local
    call void lines::serve/2
    izero %0 local
    return
.end
