; A small IRC server: NICK, USER, JOIN, PRIVMSG, PART, QUIT, PING.
;
;   viuac build --lib -o lines.module lines.asm && viuac build -o irc.bin irc/irc.asm lines.module && viua irc.bin 6667
;
; One process, the hub, knows who is there: a vector of clients, each a struct
;   {'pid': of its connection, 'nick': Text, 'named': Boolean (USER has come), 'channels': Vector of Text}.
; The functions below get a pointer to that vector. Everybody else is a connection (see lines.asm).

.signature: lines::serve/2
.signature: lines::split/1
.signature: lines::write/2
.signature: lines::close/1

; Sends a line to a connection. Parameters: its pid, the line.
.function: reply/2
    allocate_registers %4 local

    .name: 1 connection
    .name: 2 words
    .name: 3 end

    move %connection local %0 parameters
    move %words local %1 parameters
    textconcat %words local %words local (text %end local "\r\n") local
    frame %2
    move %0 arguments %connection local
    move %1 arguments %words local
    call void lines::write/2
    return
.end

; Joins the texts of a vector.
.function: joined/1
    allocate_registers %6 local

    .name: 1 parts
    .name: 2 i
    .name: 3 length
    .name: 4 more
    .name: 5 part

    move %parts local %0 parameters
    text %0 local ""
    izero %i local
    vlen %length local %parts local

    .mark: next
    lt %more local %i local %length local
    if %more local append done

    .mark: append
    vat %part local %parts local %i local
    textconcat %0 local %0 local *part local
    iinc %i local
    jump next

    .mark: done
    return
.end

; The index of a text in a vector of texts; -1 if it is not there.
.function: index_of/2
    allocate_registers %7 local

    .name: 1 texts
    .name: 2 wanted
    .name: 3 i
    .name: 4 length
    .name: 5 found
    .name: 6 element

    move %texts local %0 parameters
    move %wanted local %1 parameters
    izero %i local
    vlen %length local *texts local

    .mark: next
    lt %found local %i local %length local
    if %found local look nowhere

    .mark: look
    vat %element local *texts local %i local
    texteq %found local *element local %wanted local
    if %found local here +1
    iinc %i local
    jump next

    .mark: nowhere
    integer %i local -1

    .mark: here
    move %0 local %i local
    return
.end

; The index of the client with a pid; -1 if there is none.
.function: client_of/2
    allocate_registers %8 local

    .name: 1 clients
    .name: 2 wanted
    .name: 3 i
    .name: 4 length
    .name: 5 found
    .name: 6 client
    .name: 7 key

    move %clients local %0 parameters
    move %wanted local %1 parameters
    atom %key local 'pid'
    izero %i local
    vlen %length local *clients local

    .mark: next
    lt %found local %i local %length local
    if %found local look nowhere

    .mark: look
    vat %client local *clients local %i local
    structat %client local *client local %key local
    pideq %found local *client local %wanted local
    if %found local here +1
    iinc %i local
    jump next

    .mark: nowhere
    integer %i local -1

    .mark: here
    move %0 local %i local
    return
.end

; The index of the client with a nick; -1 if there is none.
.function: client_named/2
    allocate_registers %8 local

    .name: 1 clients
    .name: 2 wanted
    .name: 3 i
    .name: 4 length
    .name: 5 found
    .name: 6 client
    .name: 7 key

    move %clients local %0 parameters
    move %wanted local %1 parameters
    atom %key local 'nick'
    izero %i local
    vlen %length local *clients local

    .mark: next
    lt %found local %i local %length local
    if %found local look nowhere

    .mark: look
    vat %client local *clients local %i local
    structat %client local *client local %key local
    texteq %found local *client local %wanted local
    if %found local here +1
    iinc %i local
    jump next

    .mark: nowhere
    integer %i local -1

    .mark: here
    move %0 local %i local
    return
.end

; Sends a line to all clients in a channel, one excepted. Parameters: clients, channel, line, pid of the exception (that
; of the hub: none is).
.function: to_channel/4
    allocate_registers %11 local

    .name: 1 clients
    .name: 2 room
    .name: 3 line
    .name: 4 except
    .name: 5 i
    .name: 6 length
    .name: 7 yes
    .name: 8 client
    .name: 9 field
    .name: 10 key

    move %clients local %0 parameters
    move %room local %1 parameters
    move %line local %2 parameters
    move %except local %3 parameters
    izero %i local
    vlen %length local *clients local

    .mark: next
    lt %yes local %i local %length local
    if %yes local look done

    .mark: look
    vat %client local *clients local %i local
    iinc %i local
    structat %field local *client local (atom %key local 'channels') local
    frame %2
    move %0 arguments %field local
    copy %1 arguments %room local
    call %yes local index_of/2
    gte %yes local %yes local (izero %key local) local
    if %yes local +1 next
    structat %field local *client local (atom %key local 'pid') local
    pideq %yes local *field local %except local
    if %yes local next +1
    frame %2
    copy %0 arguments *field local
    copy %1 arguments %line local
    call void reply/2
    jump next

    .mark: done
    return
.end

; `:nick!nick@localhost`
.function: prefix/1
    allocate_registers %4 local

    .name: 1 nick
    .name: 2 parts
    .name: 3 part

    move %nick local %0 parameters
    vector %parts local
    vpush %parts local (text %part local ":") local
    copy %part local %nick local
    vpush %parts local %part local
    vpush %parts local (text %part local "!") local
    vpush %parts local %nick local
    vpush %parts local (text %part local "@localhost") local
    frame ^[(move %0 arguments %parts local)]
    call %0 local joined/1
    return
.end

; `:server NUMBER nick TEXT`, to the connection. Parameters: pid, number, nick, text.
.function: numeric/4
    allocate_registers %4 local

    .name: 1 connection
    .name: 2 parts
    .name: 3 part

    move %connection local %0 parameters
    vector %parts local
    vpush %parts local (text %part local ":localhost ") local
    move %part local %1 parameters
    vpush %parts local %part local
    vpush %parts local (text %part local " ") local
    move %part local %2 parameters
    vpush %parts local %part local
    vpush %parts local (text %part local " ") local
    move %part local %3 parameters
    vpush %parts local %part local
    frame ^[(move %0 arguments %parts local)]
    call %part local joined/1
    frame %2
    move %0 arguments %connection local
    move %1 arguments %part local
    call void reply/2
    return
.end

; Says welcome as soon as both NICK and USER have come. Parameter: pointer to a client.
.function: welcome/1
    allocate_registers %5 local

    .name: 1 client
    .name: 2 nick
    .name: 3 field
    .name: 4 key

    move %client local %0 parameters
    structat %nick local *client local (atom %key local 'nick') local
    structat %field local *client local (atom %key local 'named') local
    and %key local *nick local *field local
    if %key local +1 done
    structat %field local *client local (atom %key local 'pid') local
    frame %4
    copy %0 arguments *field local
    move %1 arguments (text %key local "001") local
    copy %2 arguments *nick local
    move %3 arguments (text %key local ":Welcome") local
    call void numeric/4

    .mark: done
    return
.end

; NICK. Parameters: clients, pointer to the client, the wanted nick.
.function: nick/3
    allocate_registers %8 local

    .name: 1 clients
    .name: 2 client
    .name: 3 wanted
    .name: 4 taken
    .name: 5 tmp
    .name: 6 key
    .name: 7 pid

    move %clients local %0 parameters
    move %client local %1 parameters
    move %wanted local %2 parameters
    frame %2
    move %0 arguments %clients local
    copy %1 arguments %wanted local
    call %taken local client_named/2
    gte %taken local %taken local (izero %tmp local) local
    if %taken local refuse accept

    .mark: refuse
    structat %pid local *client local (atom %key local 'pid') local
    frame %4
    copy %0 arguments *pid local
    move %1 arguments (text %tmp local "433") local
    move %2 arguments %wanted local
    move %3 arguments (text %tmp local ":Nickname is already in use") local
    call void numeric/4
    return

    .mark: accept
    structinsert *client local (atom %key local 'nick') local %wanted local
    frame ^[(move %0 arguments %client local)]
    call void welcome/1
    return
.end

; What happens in a channel is told to all who are in it: `PREFIX VERB CHANNEL [:TEXT]`. Parameters: clients, nick, verb
; (with blanks around it), channel and text, exception.
.function: announce/5
    allocate_registers %8 local

    .name: 1 clients
    .name: 2 room
    .name: 3 parts
    .name: 4 part
    .name: 5 line
    .name: 6 except
    .name: 7 more

    move %clients local %0 parameters
    move %room local %3 parameters
    move %except local %4 parameters
    frame ^[(move %0 arguments %1 parameters)]
    call %part local prefix/1
    vector %parts local
    vpush %parts local %part local
    move %part local %2 parameters
    vpush %parts local %part local
    copy %part local %room local
    vpush %parts local %part local
    frame ^[(move %0 arguments %parts local)]
    call %line local joined/1
    ; The channel ends where the text begins.
    frame ^[(move %0 arguments %room local)]
    call %more local lines::split/1
    vat %part local %more local (izero %room local) local
    frame %4
    move %0 arguments %clients local
    copy %1 arguments *part local
    move %2 arguments %line local
    move %3 arguments %except local
    call void to_channel/4
    return
.end

; JOIN. Parameters: clients, pointer to the client, the channel.
.function: enter_channel/3
    allocate_registers %9 local

    .name: 1 clients
    .name: 2 client
    .name: 3 room
    .name: 4 channels
    .name: 5 key
    .name: 6 there
    .name: 7 nick
    .name: 8 me

    move %clients local %0 parameters
    move %client local %1 parameters
    move %room local %2 parameters
    structat %channels local *client local (atom %key local 'channels') local
    frame %2
    copy %0 arguments %channels local
    copy %1 arguments %room local
    call %there local index_of/2
    lt %there local %there local (izero %key local) local
    if %there local +1 done
    copy %there local %room local
    vpush *channels local %there local
    structat %nick local *client local (atom %key local 'nick') local
    self %me local
    frame %5
    move %0 arguments %clients local
    copy %1 arguments *nick local
    move %2 arguments (text %key local " JOIN ") local
    move %3 arguments %room local
    move %4 arguments %me local
    call void announce/5

    .mark: done
    return
.end

; PART. Parameters: clients, pointer to the client, the channel.
.function: leave_channel/3
    allocate_registers %10 local

    .name: 1 clients
    .name: 2 client
    .name: 3 room
    .name: 4 channels
    .name: 5 key
    .name: 6 at
    .name: 7 nick
    .name: 8 me
    .name: 9 there

    move %clients local %0 parameters
    move %client local %1 parameters
    move %room local %2 parameters
    structat %channels local *client local (atom %key local 'channels') local
    frame %2
    copy %0 arguments %channels local
    copy %1 arguments %room local
    call %at local index_of/2
    gte %there local %at local (izero %key local) local
    if %there local +1 done
    structat %nick local *client local (atom %key local 'nick') local
    self %me local
    frame %5
    move %0 arguments %clients local
    copy %1 arguments *nick local
    move %2 arguments (text %key local " PART ") local
    move %3 arguments %room local
    move %4 arguments %me local
    call void announce/5
    vpop void *channels local %at local

    .mark: done
    return
.end

; PRIVMSG. Parameters: clients, pointer to the client, `target :text`.
.function: privmsg/3
    allocate_registers %11 local

    .name: 1 clients
    .name: 2 client
    .name: 3 rest
    .name: 4 key
    .name: 5 pid
    .name: 6 nick
    .name: 7 tmp
    .name: 8 to
    .name: 9 parts
    .name: 10 at

    move %clients local %0 parameters
    move %client local %1 parameters
    move %rest local %2 parameters
    structat %pid local *client local (atom %key local 'pid') local
    structat %nick local *client local (atom %key local 'nick') local
    textcommonprefix %tmp local %rest local (text %to local "#") local
    if %tmp local room person

    .mark: room
    frame %5
    move %0 arguments %clients local
    copy %1 arguments *nick local
    move %2 arguments (text %tmp local " PRIVMSG ") local
    move %3 arguments %rest local
    copy %4 arguments *pid local
    call void announce/5
    return

    .mark: person
    frame ^[(copy %0 arguments %rest local)]
    call %parts local lines::split/1
    vat %to local %parts local (izero %tmp local) local
    frame %2
    copy %0 arguments %clients local
    copy %1 arguments *to local
    call %at local client_named/2
    gte %tmp local %at local (izero %tmp local) local
    if %tmp local deliver nobody

    .mark: nobody
    frame %4
    copy %0 arguments *pid local
    move %1 arguments (text %tmp local "401") local
    copy %2 arguments *nick local
    copy %tmp local *to local
    textconcat %tmp local %tmp local (text %at local " :No such nick") local
    move %3 arguments %tmp local
    call void numeric/4
    return

    .mark: deliver
    vat %to local *clients local %at local
    structat %to local *to local (atom %key local 'pid') local
    frame ^[(copy %0 arguments *nick local)]
    call %tmp local prefix/1
    textconcat %tmp local %tmp local (text %key local " PRIVMSG ") local
    textconcat %tmp local %tmp local %rest local
    frame %2
    copy %0 arguments *to local
    move %1 arguments %tmp local
    call void reply/2
    return
.end

; The client has gone, or wants to: all its channels hear of it. Parameters: clients, pid.
.function: quit/2
    allocate_registers %10 local

    .name: 1 clients
    .name: 2 pid
    .name: 3 at
    .name: 4 client
    .name: 5 key
    .name: 6 yes
    .name: 7 channels
    .name: 8 room
    .name: 9 nick

    move %clients local %0 parameters
    move %pid local %1 parameters
    frame %2
    copy %0 arguments %clients local
    copy %1 arguments %pid local
    call %at local client_of/2
    gte %yes local %at local (izero %key local) local
    if %yes local +1 done
    vpop %client local *clients local %at local
    structremove %nick local %client local (atom %key local 'nick') local
    structremove %channels local %client local (atom %key local 'channels') local

    .mark: next
    vlen %yes local %channels local
    if %yes local +1 done
    vpop %room local %channels local void
    frame %5
    copy %0 arguments %clients local
    copy %1 arguments %nick local
    move %2 arguments (text %key local " QUIT ") local
    move %3 arguments %room local
    copy %4 arguments %pid local
    call void announce/5
    jump next

    .mark: done
    return
.end

; A line has come. Parameters: clients, pid of the connection, the line.
.function: command/3
    allocate_registers %11 local

    .name: 1 clients
    .name: 2 pid
    .name: 3 parts
    .name: 4 verb
    .name: 5 rest
    .name: 6 at
    .name: 7 client
    .name: 8 yes
    .name: 9 tmp
    .name: 10 key

    move %clients local %0 parameters
    move %pid local %1 parameters
    frame ^[(move %0 arguments %2 parameters)]
    call %parts local lines::split/1
    vpop %rest local %parts local void
    vpop %verb local %parts local void

    frame %2
    copy %0 arguments %clients local
    copy %1 arguments %pid local
    call %at local client_of/2
    gte %yes local %at local (izero %tmp local) local
    if %yes local known +1

    ; Somebody new.
    struct %client local
    copy %tmp local %pid local
    structinsert %client local (atom %key local 'pid') local %tmp local
    structinsert %client local (atom %key local 'nick') local (text %tmp local "") local
    structinsert %client local (atom %key local 'named') local (not %tmp local (integer %at local 1) local) local
    structinsert %client local (atom %key local 'channels') local (vector %tmp local) local
    vlen %at local *clients local
    vpush *clients local %client local

    .mark: known
    vat %client local *clients local %at local

    texteq %yes local %verb local (text %tmp local "NICK") local
    if %yes local is_nick +1
    texteq %yes local %verb local (text %tmp local "USER") local
    if %yes local is_user +1
    texteq %yes local %verb local (text %tmp local "JOIN") local
    if %yes local is_join +1
    texteq %yes local %verb local (text %tmp local "PART") local
    if %yes local is_part +1
    texteq %yes local %verb local (text %tmp local "PRIVMSG") local
    if %yes local is_privmsg +1
    texteq %yes local %verb local (text %tmp local "PING") local
    if %yes local is_ping +1
    texteq %yes local %verb local (text %tmp local "QUIT") local
    if %yes local is_quit +1
    frame %4
    move %0 arguments %pid local
    move %1 arguments (text %tmp local "421") local
    move %2 arguments %verb local
    move %3 arguments (text %tmp local ":Unknown command") local
    call void numeric/4
    return

    .mark: is_nick
    frame %3
    move %0 arguments %clients local
    move %1 arguments %client local
    move %2 arguments %rest local
    call void nick/3
    return

    .mark: is_user
    structinsert *client local (atom %key local 'named') local (not %tmp local (izero %at local) local) local
    frame ^[(move %0 arguments %client local)]
    call void welcome/1
    return

    .mark: is_join
    frame %3
    move %0 arguments %clients local
    move %1 arguments %client local
    move %2 arguments %rest local
    call void enter_channel/3
    return

    .mark: is_part
    frame %3
    move %0 arguments %clients local
    move %1 arguments %client local
    move %2 arguments %rest local
    call void leave_channel/3
    return

    .mark: is_privmsg
    frame %3
    move %0 arguments %clients local
    move %1 arguments %client local
    move %2 arguments %rest local
    call void privmsg/3
    return

    .mark: is_ping
    text %tmp local ":localhost PONG localhost "
    textconcat %tmp local %tmp local %rest local
    frame %2
    move %0 arguments %pid local
    move %1 arguments %tmp local
    call void reply/2
    return

    .mark: is_quit
    frame %2
    copy %0 arguments %pid local
    move %1 arguments (text %tmp local "ERROR :Closing Link") local
    call void reply/2
    frame ^[(copy %0 arguments %pid local)]
    call void lines::close/1
    frame %2
    move %0 arguments %clients local
    move %1 arguments %pid local
    call void quit/2
    return
.end

; The hub: one message after the other.
.function: hub/1
    allocate_registers %8 local

    .name: 1 clients
    .name: 2 message
    .name: 3 kind
    .name: 4 pid
    .name: 5 key
    .name: 6 yes
    .name: 7 tmp

    move %clients local %0 parameters
    receive %message local
    structremove %kind local %message local (atom %key local 'kind') local
    structremove %pid local %message local (atom %key local 'from') local
    atomeq %yes local %kind local (atom %key local 'line') local
    if %yes local line closed

    .mark: line
    structremove %tmp local %message local (atom %key local 'line') local
    frame %3
    move %0 arguments (ptr %key local %clients local) local
    move %1 arguments %pid local
    move %2 arguments %tmp local
    call void command/3
    jump next

    .mark: closed
    frame %2
    move %0 arguments (ptr %key local %clients local) local
    move %1 arguments %pid local
    call void quit/2

    .mark: next
    frame ^[(move %0 arguments %clients local)]
    tailcall hub/1
.end

.function: main/2
    allocate_registers %4 local

    .name: 1 arguments_left
    .name: 2 hub
    .name: 3 port

    frame ^[(move %0 arguments (vector %port local) local)]
    process %hub local hub/1
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
