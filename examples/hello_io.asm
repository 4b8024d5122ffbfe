; Hello, world through the I/O scheduler.
;
; `io_write` only asks for the work and goes on at once with a request in its target; `io_wait` waits for the
; request, without keeping a thread busy. Port 1 is standard output. The result of the request, the bytes that
; could not be written, is not wanted here: `void`.

.function: main/0
    allocate_registers %4 local

    .name: 1 port
    .name: 2 message
    .name: 3 request

    integer %port local 1
    string %message local "Hello, World!\n"
    io_write %request local %port local %message local
    io_wait void %request local

    izero %0 local
    return
.end
