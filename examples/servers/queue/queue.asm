; A message queue that survives its own death.
;
;   viuac build --lib -o lines.module lines.asm && viuac build -o queue.bin queue/queue.asm lines.module
;   touch journal && viua queue.bin 7010 journal 3>> journal
;
; PUT TEXT   OK ID          the message is in the journal
; GET        MSG ID TEXT    it is delivered, and will be again unless it is acknowledged; or EMPTY
; ACK ID     OK             it is done with, also in the journal; or UNKNOWN
;
; The journal is only ever appended to, through descriptor 3. A record is a line, `P ID TEXT .` or `A ID .`; its end
; shows that it is whole, and it begins with the line feed, so that what was written half before a crash stays alone.
; Nothing is answered before its record has been written. When the server starts it reads what there is.
;
; The broker, a process, has a struct {'ready': Vector, 'flying': Vector, 'last': Integer}; messages in the vectors are
; structs {'id': Text, 'text': Text}, flying ones with the 'pid' they were delivered to.

.import: [[dynamic]] std::posix::io
.signature: std::posix::io::open/1
.signature: lines::serve/2
.signature: lines::split/1
.signature: lines::find/2
.signature: lines::write/2

; Sends an answer. Parameters: pid, text.
.function: answer/2
    allocate_registers %4 local

    .name: 1 pid
    .name: 2 words
    .name: 3 end

    move %pid local %0 parameters
    move %words local %1 parameters
    textconcat %words local %words local (text %end local "\n") local
    frame %2
    move %0 arguments %pid local
    move %1 arguments %words local
    call void lines::write/2
    return
.end

; Appends a record to the journal; true if it is there as a whole.
.block: not_written
    draw %3 local
    delete %3 local
    string %4 local "not written"
    leave
.end
.block: write_record
    io_write %3 local %2 local %1 local
    io_wait %4 local %3 local
    leave
.end

.function: record/1
    allocate_registers %5 local

    .name: 1 words
    .name: 2 journal
    .name: 3 tmp
    .name: 4 rest

    move %words local %0 parameters
    text %tmp local "\n"
    textconcat %words local %tmp local %words local
    textconcat %words local %words local (text %tmp local " .") local
    delete %tmp local
    integer %journal local 3
    try
    catch "Integer" not_written
    enter write_record
    not %0 local %rest local
    return
.end

; The index of the message with an id; -1 if there is none. Parameters: pointer to a vector of messages, id.
.function: index_of/2
    allocate_registers %8 local

    .name: 1 messages
    .name: 2 wanted
    .name: 3 i
    .name: 4 length
    .name: 5 found
    .name: 6 id
    .name: 7 key

    move %messages local %0 parameters
    move %wanted local %1 parameters
    atom %key local 'id'
    izero %i local
    vlen %length local *messages local

    .mark: next
    lt %found local %i local %length local
    if %found local look nowhere

    .mark: look
    vat %id local *messages local %i local
    structat %id local *id local %key local
    texteq %found local *id local %wanted local
    if %found local here +1
    iinc %i local
    jump next

    .mark: nowhere
    integer %i local -1

    .mark: here
    move %0 local %i local
    return
.end

; A new message. Parameters: pointer to the state, text. Returns its id; the record is the caller's business.
.function: add_message/2
    allocate_registers %8 local

    .name: 1 state
    .name: 2 words
    .name: 3 key
    .name: 4 field
    .name: 5 message
    .name: 6 tmp
    .name: 7 id

    move %state local %0 parameters
    move %words local %1 parameters
    structat %field local *state local (atom %key local 'last') local
    iinc *field local
    text %id local *field local
    struct %message local
    copy %tmp local %id local
    structinsert %message local (atom %key local 'id') local %tmp local
    structinsert %message local (atom %key local 'text') local %words local
    structat %field local *state local (atom %key local 'ready') local
    vpush *field local %message local
    move %0 local %id local
    return
.end

; A record of the journal. Parameters: pointer to the state, the line.
.function: replay/2
    allocate_registers %10 local

    .name: 1 state
    .name: 2 line
    .name: 3 parts
    .name: 4 kind
    .name: 5 tmp
    .name: 6 yes
    .name: 7 id
    .name: 8 words
    .name: 9 messages

    move %state local %0 parameters
    move %line local %1 parameters
    textcommonsuffix %yes local %line local (text %tmp local " .") local
    eq %yes local %yes local (integer %tmp local 2) local
    if %yes local +1 done
    textsub %line local %line local (izero %tmp local) local (integer %yes local -2) local
    frame ^[(move %0 arguments %line local)]
    call %parts local lines::split/1
    vpop %line local %parts local void
    vpop %kind local %parts local void
    texteq %yes local %kind local (text %tmp local "P") local
    if %yes local put ack

    .mark: put
    frame ^[(move %0 arguments %line local)]
    call %parts local lines::split/1
    vpop %words local %parts local void
    frame %2
    move %0 arguments %state local
    move %1 arguments %words local
    call void add_message/2
    return

    .mark: ack
    structat %messages local *state local (atom %tmp local 'ready') local
    frame %2
    copy %0 arguments %messages local
    move %1 arguments %line local
    call %id local index_of/2
    gte %yes local %id local (izero %tmp local) local
    if %yes local +1 done
    vpop void *messages local %id local

    .mark: done
    return
.end

; Reads the journal. Parameters: pointer to the state, path.
.function: restore/2
    allocate_registers %9 local

    .name: 1 state
    .name: 2 port
    .name: 3 rest
    .name: 4 request
    .name: 5 data
    .name: 6 tmp
    .name: 7 at
    .name: 8 line

    move %state local %0 parameters
    frame ^[(move %0 arguments %1 parameters)]
    call %port local std::posix::io::open/1
    string %rest local ""
    text %rest local %rest local

    .mark: read
    io_read %request local %port local (integer %tmp local 4096) local
    io_wait %data local %request local
    if %data local +1 finish
    text %data local %data local
    textconcat %rest local %rest local %data local

    .mark: cut
    frame %2
    copy %0 arguments %rest local
    move %1 arguments (text %tmp local "\n") local
    call %at local lines::find/2
    gte %tmp local %at local (izero %tmp local) local
    if %tmp local +1 read
    textsub %line local %rest local (izero %tmp local) local %at local
    iinc %at local
    textsub %rest local %rest local %at local (textlength %tmp local %rest local) local
    frame %2
    copy %0 arguments %state local
    move %1 arguments %line local
    call void replay/2
    jump cut

    .mark: finish
    frame %2
    move %0 arguments %state local
    move %1 arguments %rest local
    call void replay/2
    return
.end

; PUT. Parameters: pointer to the state, pid, text.
.function: put/3
    allocate_registers %9 local

    .name: 1 state
    .name: 2 pid
    .name: 3 words
    .name: 4 id
    .name: 5 tmp
    .name: 6 line
    .name: 7 written
    .name: 8 messages

    move %state local %0 parameters
    move %pid local %1 parameters
    move %words local %2 parameters
    frame %2
    copy %0 arguments %state local
    copy %1 arguments %words local
    call %id local add_message/2
    text %line local "P "
    textconcat %line local %line local %id local
    textconcat %line local %line local (text %tmp local " ") local
    textconcat %line local %line local %words local
    frame ^[(move %0 arguments %line local)]
    call %written local record/1
    text %line local "OK "
    textconcat %line local %line local %id local
    if %written local tell failed

    ; Not in the journal: it has never been.
    .mark: failed
    structat %messages local *state local (atom %tmp local 'last') local
    idec *messages local
    structat %messages local *state local (atom %tmp local 'ready') local
    vpop void *messages local void
    text %line local "FAILED"

    .mark: tell
    frame %2
    move %0 arguments %pid local
    move %1 arguments %line local
    call void answer/2
    return
.end

; GET. Parameters: pointer to the state, pid.
.function: get/2
    allocate_registers %10 local

    .name: 1 state
    .name: 2 pid
    .name: 3 ready
    .name: 4 flying
    .name: 5 message
    .name: 6 key
    .name: 7 line
    .name: 8 field
    .name: 9 tmp

    move %state local %0 parameters
    move %pid local %1 parameters
    text %line local "EMPTY"
    structat %ready local *state local (atom %key local 'ready') local
    vlen %tmp local *ready local
    if %tmp local +1 tell
    vpop %message local *ready local (izero %tmp local) local
    text %line local "MSG "
    structat %field local %message local (atom %key local 'id') local
    textconcat %line local %line local *field local
    textconcat %line local %line local (text %tmp local " ") local
    structat %field local %message local (atom %key local 'text') local
    textconcat %line local %line local *field local
    copy %tmp local %pid local
    structinsert %message local (atom %key local 'pid') local %tmp local
    structat %flying local *state local (atom %key local 'flying') local
    vpush *flying local %message local

    .mark: tell
    frame %2
    move %0 arguments %pid local
    move %1 arguments %line local
    call void answer/2
    return
.end

; ACK. Parameters: pointer to the state, pid, id.
.function: ack/3
    allocate_registers %9 local

    .name: 1 state
    .name: 2 pid
    .name: 3 id
    .name: 4 flying
    .name: 5 at
    .name: 6 tmp
    .name: 7 line
    .name: 8 yes

    move %state local %0 parameters
    move %pid local %1 parameters
    move %id local %2 parameters
    structat %flying local *state local (atom %tmp local 'flying') local
    frame %2
    copy %0 arguments %flying local
    copy %1 arguments %id local
    call %at local index_of/2
    gte %yes local %at local (izero %tmp local) local
    if %yes local known unknown

    .mark: unknown
    text %line local "UNKNOWN"
    jump tell

    .mark: known
    text %line local "A "
    textconcat %line local %line local %id local
    frame ^[(move %0 arguments %line local)]
    call %yes local record/1
    if %yes local +1 failed
    vpop void *flying local %at local
    text %line local "OK"
    jump tell

    .mark: failed
    text %line local "FAILED"

    .mark: tell
    frame %2
    move %0 arguments %pid local
    move %1 arguments %line local
    call void answer/2
    return
.end

; A connection has gone: what it has not acknowledged is to be delivered again, first of all. Parameters: pointer to the
; state, pid.
.function: take_back/2
    allocate_registers %9 local

    .name: 1 state
    .name: 2 pid
    .name: 3 ready
    .name: 4 flying
    .name: 5 i
    .name: 6 message
    .name: 7 key
    .name: 8 yes

    move %state local %0 parameters
    move %pid local %1 parameters
    structat %ready local *state local (atom %key local 'ready') local
    structat %flying local *state local (atom %key local 'flying') local
    vlen %i local *flying local

    .mark: next
    if %i local +1 done
    idec %i local
    vat %message local *flying local %i local
    structat %message local *message local (atom %key local 'pid') local
    pideq %yes local *message local %pid local
    if %yes local +1 next
    vpop %message local *flying local %i local
    structremove void %message local (atom %key local 'pid') local
    vinsert *ready local %message local (izero %yes local) local
    jump next

    .mark: done
    return
.end

; A line has come. Parameters: pointer to the state, pid, line.
.function: command/3
    allocate_registers %8 local

    .name: 1 state
    .name: 2 pid
    .name: 3 parts
    .name: 4 verb
    .name: 5 rest
    .name: 6 yes
    .name: 7 tmp

    move %state local %0 parameters
    move %pid local %1 parameters
    frame ^[(move %0 arguments %2 parameters)]
    call %parts local lines::split/1
    vpop %rest local %parts local void
    vpop %verb local %parts local void

    texteq %yes local %verb local (text %tmp local "PUT") local
    if %yes local is_put +1
    texteq %yes local %verb local (text %tmp local "GET") local
    if %yes local is_get +1
    texteq %yes local %verb local (text %tmp local "ACK") local
    if %yes local is_ack +1
    frame %2
    move %0 arguments %pid local
    move %1 arguments (text %tmp local "WHAT") local
    call void answer/2
    return

    .mark: is_put
    frame %3
    move %0 arguments %state local
    move %1 arguments %pid local
    move %2 arguments %rest local
    call void put/3
    return

    .mark: is_get
    frame %2
    move %0 arguments %state local
    move %1 arguments %pid local
    call void get/2
    return

    .mark: is_ack
    frame %3
    move %0 arguments %state local
    move %1 arguments %pid local
    move %2 arguments %rest local
    call void ack/3
    return
.end

; One message after the other. Parameter: the state.
.function: broker/1
    allocate_registers %8 local

    .name: 1 state
    .name: 2 message
    .name: 3 kind
    .name: 4 pid
    .name: 5 key
    .name: 6 yes
    .name: 7 tmp

    move %state local %0 parameters
    receive %message local
    structremove %kind local %message local (atom %key local 'kind') local
    structremove %pid local %message local (atom %key local 'from') local
    atomeq %yes local %kind local (atom %key local 'line') local
    if %yes local line closed

    .mark: line
    structremove %tmp local %message local (atom %key local 'line') local
    frame %3
    move %0 arguments (ptr %key local %state local) local
    move %1 arguments %pid local
    move %2 arguments %tmp local
    call void command/3
    jump next

    .mark: closed
    frame %2
    move %0 arguments (ptr %key local %state local) local
    move %1 arguments %pid local
    call void take_back/2

    .mark: next
    frame ^[(move %0 arguments %state local)]
    tailcall broker/1
.end

.function: main/2
    allocate_registers %7 local

    .name: 1 arguments_left
    .name: 2 broker
    .name: 3 path
    .name: 4 port
    .name: 5 state
    .name: 6 key

    move %arguments_left local %1 parameters
    vpop %path local %arguments_left local void
    vpop %port local %arguments_left local void
    stoi %port local %port local

    struct %state local
    structinsert %state local (atom %key local 'ready') local (vector %broker local) local
    structinsert %state local (atom %key local 'flying') local (vector %broker local) local
    structinsert %state local (atom %key local 'last') local (izero %broker local) local
    frame %2
    move %0 arguments (ptr %key local %state local) local
    move %1 arguments %path local
    call void restore/2

    frame ^[(move %0 arguments %state local)]
    process %broker local broker/1
    frame %2
    move %0 arguments %port local
    move %1 arguments %broker local
    call void lines::serve/2
    izero %0 local
    return
.end
