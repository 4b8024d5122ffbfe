; A cron daemon: runs commands when their time comes.
;
;   viuac build --lib -o lines.module lines.asm && viuac build -o cron.bin cron/cron.asm lines.module
;   viua cron.bin crontab
;
; A line of the table is `SECOND MINUTE HOUR DAY MONTH WEEKDAY COMMAND`; a field is `*`, `*/N`, or a number. Other lines
; are ignored.
;
; Each entry is a process, to which the clock sends the time of each second. A command that fails kills the process of
; its entry; its watchdog then puts a new one in its place, and nothing else is affected.

.import: [[dynamic]] std::io
.import: [[dynamic]] std::os
.signature: std::io::fstream::open/1
.signature: std::io::fstream::read/1
.signature: std::os::system/1
.signature: std::os::exec_pipe_stdout/1
.signature: lines::split/1
.signature: lines::find/2

; The number that a text of digits means; -1 if it is none.
.function: number/1
    allocate_registers %8 local

    .name: 1 digits
    .name: 2 i
    .name: 3 length
    .name: 4 value
    .name: 5 digit
    .name: 6 yes
    .name: 7 tmp

    move %digits local %0 parameters
    izero %i local
    izero %value local
    textlength %length local %digits local
    if %length local next nothing

    .mark: next
    lt %yes local %i local %length local
    if %yes local +1 done
    frame %2
    move %0 arguments (text %tmp local "0123456789") local
    textat %tmp local %digits local %i local
    move %1 arguments %tmp local
    call %digit local lines::find/2
    gte %yes local %digit local (izero %tmp local) local
    if %yes local +1 nothing
    mul %value local %value local (integer %tmp local 10) local
    add %value local %value local %digit local
    iinc %i local
    jump next

    .mark: nothing
    integer %value local -1

    .mark: done
    move %0 local %value local
    return
.end

; Whether a field of the table admits a number.
.function: admits/2
    allocate_registers %7 local

    .name: 1 field
    .name: 2 value
    .name: 3 step
    .name: 4 tmp
    .name: 5 yes
    .name: 6 rest

    move %field local %0 parameters
    move %value local %1 parameters
    texteq %0 local %field local (text %tmp local "*") local
    if %0 local done +1
    textcommonprefix %yes local %field local (text %tmp local "*/") local
    eq %yes local %yes local (integer %tmp local 2) local
    if %yes local every exactly

    .mark: every
    textsub %field local %field local (integer %tmp local 2) local (textlength %step local %field local) local
    frame ^[(move %0 arguments %field local)]
    call %step local number/1
    gt %0 local %step local (izero %tmp local) local
    if %0 local +1 done
    div %rest local %value local %step local
    mul %rest local %rest local %step local
    eq %0 local %rest local %value local
    return

    .mark: exactly
    frame ^[(move %0 arguments %field local)]
    call %step local number/1
    eq %0 local %step local %value local

    .mark: done
    return
.end

; The first parts of a text that are separated by blanks, and then the rest. Parameters: text, how many.
.function: fields/2
    allocate_registers %5 local

    .name: 1 words
    .name: 2 left
    .name: 3 parts
    .name: 4 part

    move %words local %0 parameters
    move %left local %1 parameters
    vector %0 local

    .mark: next
    if %left local +1 done
    idec %left local
    frame ^[(move %0 arguments %words local)]
    call %parts local lines::split/1
    vpop %words local %parts local void
    vpop %part local %parts local void
    vpush %0 local %part local
    jump next

    .mark: done
    vpush %0 local %words local
    return
.end

; The time as a vector of numbers, in the order of the table.
.function: time/0
    allocate_registers %7 local

    .name: 1 words
    .name: 2 parts
    .name: 3 i
    .name: 4 part
    .name: 5 more
    .name: 6 tmp

    vector %parts local
    vpush %parts local (string %words local "/bin/date") local
    vpush %parts local (string %words local "+%S %M %H %d %m %w ") local
    frame ^[(move %0 arguments %parts local)]
    call %words local std::os::exec_pipe_stdout/1
    text %words local %words local
    frame %2
    move %0 arguments %words local
    move %1 arguments (integer %tmp local 6) local
    call %parts local fields/2
    vector %0 local
    izero %i local

    .mark: next
    lt %more local %i local (integer %tmp local 6) local
    if %more local +1 done
    vat %part local %parts local %i local
    frame ^[(copy %0 arguments *part local)]
    call %tmp local number/1
    vpush %0 local %tmp local
    iinc %i local
    jump next

    .mark: done
    return
.end

; Whether it is time. Parameters: the fields of the entry, the time.
.function: is_due/2
    allocate_registers %8 local

    .name: 1 fields
    .name: 2 time
    .name: 3 i
    .name: 4 tmp
    .name: 5 field
    .name: 6 value
    .name: 7 more

    move %fields local %0 parameters
    move %time local %1 parameters
    izero %i local
    not %0 local %i local

    .mark: next
    lt %more local %i local (integer %tmp local 6) local
    if %more local +1 done
    vat %field local %fields local %i local
    vat %value local %time local %i local
    iinc %i local
    frame %2
    copy %0 arguments *field local
    copy %1 arguments *value local
    call %0 local admits/2
    if %0 local next done

    .mark: done
    return
.end

; The process of an entry. Parameters: the clock, the fields with the command behind them.
.function: entry/2
    allocate_registers %4 local

    .name: 1 clock
    .name: 2 fields
    .name: 3 tmp

    move %clock local %0 parameters
    move %fields local %1 parameters
    frame %3
    move %0 arguments (izero %tmp local) local
    copy %1 arguments %clock local
    copy %2 arguments %fields local
    watchdog entry_died/3

    self %tmp local
    send %clock local %tmp local
    frame ^[(move %0 arguments %fields local)]
    tailcall wait_and_run/1
.end

.function: wait_and_run/1
    allocate_registers %6 local

    .name: 1 fields
    .name: 2 time
    .name: 3 due
    .name: 4 command
    .name: 5 status

    move %fields local %0 parameters
    receive %time local
    frame %2
    copy %0 arguments %fields local
    move %1 arguments %time local
    call %due local is_due/2
    if %due local +1 next
    vat %command local %fields local (integer %status local -1) local
    frame ^[(copy %0 arguments *command local)]
    call %status local std::os::system/1
    if %status local +1 next
    throw %status local

    .mark: next
    frame ^[(move %0 arguments %fields local)]
    tailcall wait_and_run/1
.end

; The command has failed: a new process takes the place of the old one.
.function: entry_died/3
    allocate_registers %6 local

    .name: 1 clock
    .name: 2 fields
    .name: 3 command
    .name: 4 tmp
    .name: 5 death

    move %death local %0 parameters
    move %clock local %1 parameters
    move %fields local %2 parameters
    echo (text %tmp local "restarted: ") local
    vat %command local %fields local (integer %tmp local -1) local
    echo *command local
    echo (text %tmp local ", status ") local
    structremove %death local %death local (atom %tmp local 'exception') local
    print %death local
    frame %2
    move %0 arguments %clock local
    move %1 arguments %fields local
    process void entry/2
    return
.end

; The clock: tells the time to all entries, once a second. What it receives are the pids of entries.
.block: nobody_new
    draw %6 local
    delete %6 local
    leave
.end
.block: listen
    receive %6 local 300ms
    vpush %1 local %6 local
    leave
.end

.function: clock/2
    allocate_registers %9 local

    .name: 1 entries
    .name: 2 last
    .name: 3 time
    .name: 4 i
    .name: 5 more
    .name: 7 entry
    .name: 8 second

    move %entries local %0 parameters
    move %last local %1 parameters
    try
    catch "Exception" nobody_new
    enter listen

    frame %0
    call %time local time/0
    vat %second local %time local (izero %i local) local
    eq %more local *second local %last local
    if %more local again +1
    copy %last local *second local
    izero %i local

    .mark: next
    lt %more local %i local (vlen %entry local %entries local) local
    if %more local +1 again
    vat %entry local %entries local %i local
    iinc %i local
    copy %second local %time local
    copy %entry local *entry local
    send %entry local %second local
    jump next

    .mark: again
    frame %2
    move %0 arguments %entries local
    move %1 arguments %last local
    tailcall clock/2
.end

; Starts the entry of a line of the table, if it is one. Parameters: the clock, the line.
.function: start/2
    allocate_registers %6 local

    .name: 1 clock
    .name: 2 line
    .name: 3 command
    .name: 4 tmp
    .name: 5 yes

    move %clock local %0 parameters
    frame %2
    move %0 arguments %1 parameters
    move %1 arguments (integer %tmp local 6) local
    call %line local fields/2
    ; A line with fewer fields has no command.
    vat %command local %line local (integer %tmp local -1) local
    if *command local +1 done
    vat %command local %line local (izero %tmp local) local
    textcommonprefix %yes local *command local (text %tmp local "#") local
    if %yes local done +1
    frame %2
    move %0 arguments %clock local
    move %1 arguments %line local
    process void entry/2

    .mark: done
    return
.end

.function: main/2
    allocate_registers %8 local

    .name: 1 table
    .name: 2 rest
    .name: 3 clock
    .name: 4 at
    .name: 5 tmp
    .name: 6 line
    .name: 7 yes

    frame %2
    move %0 arguments (vector %tmp local) local
    move %1 arguments (integer %tmp local -1) local
    process %clock local clock/2

    move %tmp local %1 parameters
    vpop %tmp local %tmp local void
    frame ^[(move %0 arguments %tmp local)]
    call %table local std::io::fstream::open/1
    frame ^[(move %0 arguments (ptr %tmp local %table local) local)]
    call %rest local std::io::fstream::read/1
    text %rest local %rest local

    .mark: next
    frame %2
    copy %0 arguments %rest local
    move %1 arguments (text %tmp local "\n") local
    call %at local lines::find/2
    gte %yes local %at local (izero %tmp local) local
    if %yes local +1 done
    textsub %line local %rest local (izero %tmp local) local %at local
    iinc %at local
    textsub %rest local %rest local %at local (textlength %tmp local %rest local) local
    frame %2
    copy %0 arguments %clock local
    move %1 arguments %line local
    call void start/2
    jump next

    .mark: done
    print (text %tmp local "running") local
    join void %clock local
    izero %0 local
    return
.end
