; An echo server: what a client sends comes back, until the client has enough. One process for each connection.
;
;   viuac build -o echo.bin echo/echo.asm && viua echo.bin 7007

.import: [[dynamic]] std::posix::network
.signature: std::posix::network::socket/0
.signature: std::posix::network::bind/3
.signature: std::posix::network::listen/2
.signature: std::posix::network::accept/1

; A client that disappears without a word ends its connection, and nothing else.
.block: gone
    draw %5 local
    delete %5 local
    string %3 local ""
    leave
.end
.block: transfer
    io_read %2 local %1 local (integer %4 local 65536) local
    io_wait %3 local %2 local
    copy %4 local %3 local
    io_write %2 local %1 local %4 local
    io_wait void %2 local
    leave
.end

.function: [[no_sa]] connection/1
    allocate_registers %6 local

    .name: 1 socket
    .name: 3 data

    move %socket local %0 parameters

    .mark: next
    try
    catch "Integer" gone
    enter transfer
    if %data local next finish

    .mark: finish
    return
.end

; Accepts connections for ever.
.function: serve/1
    allocate_registers %3 local

    .name: 1 listener
    .name: 2 connection

    move %listener local %0 parameters
    frame ^[(move %0 arguments (ptr %connection local %listener local) local)]
    call %connection local std::posix::network::accept/1
    frame ^[(move %0 arguments %connection local)]
    process void connection/1

    frame ^[(move %0 arguments %listener local)]
    tailcall serve/1
.end

.function: main/2
    allocate_registers %4 local

    .name: 1 arguments_left
    .name: 2 listener
    .name: 3 tmp

    move %arguments_left local %1 parameters
    vpop %tmp local %arguments_left local void
    stoi %tmp local %tmp local

    frame %0
    call %listener local std::posix::network::socket/0
    frame %3
    move %0 arguments %listener local
    move %2 arguments %tmp local
    move %1 arguments (string %tmp local "127.0.0.1") local
    call %listener local std::posix::network::bind/3
    frame %2
    move %0 arguments %listener local
    move %1 arguments (integer %tmp local 4096) local
    call %listener local std::posix::network::listen/2
    print (text %tmp local "listening") local

    frame ^[(move %0 arguments %listener local)]
    call void serve/1
    izero %0 local
    return
.end
