; A library for servers that speak in lines of text.
;
; Each connection is a process that owns the socket. It turns what comes in into messages to a *hub*, the process that
; has the state of the server, and writes what the hub tells it to:
;
;   to the hub      {'kind': 'line', 'from': pid, 'line': Text}    a line, without its end
;                   {'kind': 'closed', 'from': pid}                the other side has gone
;   to a connection {'kind': 'write', 'text': Text}                see lines::write/2
;                   {'kind': 'close'}                              see lines::close/1
;
; A process waits for one thing at a time. To hear of both the network and the hub, a connection gives each of its read
; requests to a process that does nothing but wait for it, and sends what came of it as one more message.

.import: [[dynamic]] std::posix::network
.signature: std::posix::network::socket/0
.signature: std::posix::network::bind/3
.signature: std::posix::network::listen/2
.signature: std::posix::network::accept/1

; A socket that listens on a port of this machine.
.function: lines::listen/1
    allocate_registers %4 local

    .name: 1 port
    .name: 2 socket
    .name: 3 tmp

    move %port local %0 parameters
    frame %0
    call %socket local std::posix::network::socket/0
    frame %3
    move %0 arguments %socket local
    move %1 arguments (string %tmp local "127.0.0.1") local
    move %2 arguments %port local
    call %socket local std::posix::network::bind/3
    frame %2
    move %0 arguments %socket local
    move %1 arguments (integer %tmp local 4096) local
    call %0 local std::posix::network::listen/2
    return
.end

; Accepts connections for ever. Parameters: the port, the hub.
.function: lines::serve/2
    allocate_registers %3 local

    .name: 1 listener
    .name: 2 tmp

    frame ^[(move %0 arguments %0 parameters)]
    call %listener local lines::listen/1
    print (text %tmp local "listening") local
    frame %2
    move %0 arguments %listener local
    move %1 arguments %1 parameters
    tailcall lines::accept/2
.end

.function: lines::accept/2
    allocate_registers %4 local

    .name: 1 listener
    .name: 2 hub
    .name: 3 connection

    move %listener local %0 parameters
    move %hub local %1 parameters
    frame ^[(move %0 arguments (ptr %connection local %listener local) local)]
    call %connection local std::posix::network::accept/1
    frame %2
    move %0 arguments %connection local
    copy %1 arguments %hub local
    process void lines::connection/2

    frame %2
    move %0 arguments %listener local
    move %1 arguments %hub local
    tailcall lines::accept/2
.end

; Tells a connection to write.
.function: lines::write/2
    allocate_registers %4 local

    .name: 1 connection
    .name: 2 message
    .name: 3 tmp

    move %connection local %0 parameters
    struct %message local
    structinsert %message local (atom %0 local 'kind') local (atom %tmp local 'write') local
    move %tmp local %1 parameters
    structinsert %message local (atom %0 local 'text') local %tmp local
    delete %0 local
    send %connection local %message local
    return
.end

; Tells a connection to end.
.function: lines::close/1
    allocate_registers %4 local

    .name: 1 connection
    .name: 2 message
    .name: 3 tmp

    move %connection local %0 parameters
    struct %message local
    structinsert %message local (atom %0 local 'kind') local (atom %tmp local 'close') local
    delete %0 local
    send %connection local %message local
    return
.end

; Where a character stands in a text; -1 if nowhere.
.function: lines::find/2
    allocate_registers %7 local

    .name: 1 words
    .name: 2 wanted
    .name: 3 i
    .name: 4 length
    .name: 5 more
    .name: 6 character

    move %words local %0 parameters
    move %wanted local %1 parameters
    izero %i local
    textlength %length local %words local

    .mark: next
    lt %more local %i local %length local
    if %more local look nowhere

    .mark: look
    textat %character local %words local %i local
    texteq %more local %character local %wanted local
    if %more local here +1
    iinc %i local
    jump next

    .mark: nowhere
    integer %i local -1

    .mark: here
    move %0 local %i local
    return
.end

; The first word of a text and the rest behind the blank, as a vector of two texts.
.function: lines::split/1
    allocate_registers %6 local

    .name: 1 words
    .name: 2 at
    .name: 3 part
    .name: 4 found
    .name: 5 length

    move %words local %0 parameters
    vector %0 local
    textlength %length local %words local
    frame %2
    copy %0 arguments %words local
    move %1 arguments (text %part local " ") local
    call %at local lines::find/2
    gte %found local %at local (izero %part local) local
    if %found local cut whole

    .mark: cut
    textsub %part local %words local (izero %part local) local %at local
    vpush %0 local %part local
    iinc %at local
    textsub %part local %words local %at local %length local
    vpush %0 local %part local
    return

    .mark: whole
    vpush %0 local %words local
    vpush %0 local (text %part local "") local
    return
.end

; Waits for a read request and sends what came of it to the connection; no data at all after an error.
.block: lines::no_data
    draw %4 local
    delete %4 local
    string %3 local ""
    leave
.end
.block: lines::collect
    io_wait %3 local %1 local
    leave
.end

.function: lines::await/2
    allocate_registers %7 local

    .name: 1 request
    .name: 2 connection
    .name: 3 data
    .name: 5 message
    .name: 6 tmp

    move %request local %0 parameters
    move %connection local %1 parameters
    try
    catch "Integer" lines::no_data
    catch "IO_cancel" lines::no_data
    enter lines::collect

    struct %message local
    structinsert %message local (atom %0 local 'kind') local (atom %tmp local 'data') local
    structinsert %message local (atom %0 local 'data') local %data local
    delete %0 local
    send %connection local %message local
    return
.end

; What the other side sent is no text, or it does not take what it is sent: the connection ends.
.block: lines::give_up
    draw %9 local
    delete %9 local
    izero %8 local
    leave
.end
.block: lines::decode
    text %7 local %6 local
    integer %8 local 1
    leave
.end
.block: lines::write_out
    io_write %4 local %1 local %7 local
    io_wait void %4 local 10s
    integer %8 local 1
    leave
.end

; The process of a connection. Parameters: the socket, the hub.
.function: [[no_sa]] lines::connection/2
    allocate_registers %12 local

    .name: 1 socket
    .name: 2 hub
    .name: 3 me
    .name: 4 request
    .name: 5 message
    .name: 6 value
    .name: 7 words
    .name: 8 good
    .name: 10 rest
    .name: 11 tmp

    move %socket local %0 parameters
    move %hub local %1 parameters
    self %me local
    text %rest local ""

    .mark: read
    io_read %request local %socket local (integer %tmp local 4096) local
    frame %2
    move %0 arguments %request local
    copy %1 arguments %me local
    process void lines::await/2

    .mark: next
    receive %message local
    structremove %value local %message local (atom %tmp local 'kind') local
    atomeq %good local %value local (atom %tmp local 'data') local
    if %good local data +1
    atomeq %good local %value local (atom %tmp local 'write') local
    if %good local write hang_up

    .mark: write
    structremove %words local %message local (atom %tmp local 'text') local
    try
    catch "Integer" lines::give_up
    catch "Exception" lines::give_up
    enter lines::write_out
    if %good local next gone

    .mark: data
    structremove %value local %message local (atom %tmp local 'data') local
    if %value local +1 gone
    try
    catch "Invalid_text" lines::give_up
    enter lines::decode
    if %good local +1 gone
    textconcat %rest local %rest local %words local

    ; Each whole line in it goes to the hub.
    .mark: cut
    frame %2
    copy %0 arguments %rest local
    move %1 arguments (text %tmp local "\n") local
    call %value local lines::find/2
    gte %good local %value local (izero %tmp local) local
    if %good local +1 read
    textsub %words local %rest local (izero %tmp local) local %value local
    iinc %value local
    textsub %rest local %rest local %value local (textlength %tmp local %rest local) local
    textcommonsuffix %good local %words local (text %tmp local "\r") local
    if %good local +1 deliver
    textsub %words local %words local (izero %tmp local) local (integer %good local -1) local

    .mark: deliver
    struct %message local
    structinsert %message local (atom %value local 'kind') local (atom %tmp local 'line') local
    structinsert %message local (atom %value local 'line') local %words local
    copy %tmp local %me local
    structinsert %message local (atom %value local 'from') local %tmp local
    send %hub local %message local
    jump cut

    .mark: gone
    struct %message local
    structinsert %message local (atom %value local 'kind') local (atom %tmp local 'closed') local
    structinsert %message local (atom %value local 'from') local %me local
    send %hub local %message local

    ; The read that is still pending would keep the descriptor open.
    .mark: hang_up
    io_close %request local %socket local
    io_wait void %request local
    return
.end
