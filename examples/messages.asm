; Messages: a server process that squares numbers for its clients.
;
; `send` moves a value into the mailbox of a process, `receive` takes the oldest message out, waiting for one. A request
; is a struct that says whom to answer.

; Serves as many requests as its parameter says.
.function: square_server/1
    allocate_registers %7 local

    .name: 1 requests_left
    .name: 2 request
    .name: 3 key
    .name: 4 client
    .name: 5 number
    .name: 6 answer

    move %requests_left local %0 parameters

    .mark: next
    if %requests_left local serve finish

    .mark: serve
    receive %request local
    structremove %client local %request local (atom %key local 'client') local
    structremove %number local %request local (atom %key local 'number') local
    mul %answer local %number local %number local
    send %client local %answer local
    idec %requests_left local
    jump next

    .mark: finish
    return
.end

; Asks the server for the square of a number.
.function: square_of/2
    allocate_registers %6 local

    .name: 1 server
    .name: 2 number
    .name: 3 request
    .name: 4 key
    .name: 5 me

    move %server local %0 parameters
    move %number local %1 parameters
    struct %request local
    structinsert %request local (atom %key local 'client') local (self %me local) local
    structinsert %request local (atom %key local 'number') local %number local
    send %server local %request local
    receive %0 local 10s
    return
.end

.function: main/0
    allocate_registers %4 local

    .name: 1 server
    .name: 2 number
    .name: 3 answer

    frame ^[(move %0 arguments (integer %number local 2) local)]
    process %server local square_server/1

    frame ^[
        (copy %0 arguments %server local)
        (move %1 arguments (integer %number local 7) local)
    ]
    call %answer local square_of/2
    print %answer local

    frame ^[
        (copy %0 arguments %server local)
        (move %1 arguments (integer %number local 12) local)
    ]
    call %answer local square_of/2
    print %answer local

    join void %server local

    izero %0 local
    return
.end
