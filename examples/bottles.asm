; 99 bottles of beer: a loop, and texts joined from parts.
;
; An instruction in parentheses is taken out and put on a line of its own before the one that holds it;
; the register it writes takes its place. So `echo (text %words local "x") local` is two instructions.

; "99 bottles", "1 bottle", "no more bottles"
.function: bottles/1
    allocate_registers %5 local

    .name: 1 n
    .name: 2 number
    .name: 3 unit
    .name: 4 is_one

    move %n local %0 parameters
    if %n local some
    text %0 local "no more bottles"
    return

    .mark: some
    text %number local %n local
    eq %is_one local %n local (integer %unit local 1) local
    if %is_one local single several

    .mark: single
    textconcat %0 local %number local (text %unit local " bottle") local
    return

    .mark: several
    textconcat %0 local %number local (text %unit local " bottles") local
    return
.end

.function: main/0
    allocate_registers %4 local

    .name: 1 n
    .name: 2 count
    .name: 3 words

    integer %n local 99

    .mark: verse
    if %n local sing finish

    .mark: sing
    frame ^[(copy %0 arguments %n local)]
    call %count local bottles/1
    echo %count local
    echo (text %words local " of beer on the wall, ") local
    echo %count local
    print (text %words local " of beer.") local

    idec %n local
    echo (text %words local "Take one down and pass it around, ") local
    frame ^[(copy %0 arguments %n local)]
    echo (call %count local bottles/1) local
    print (text %words local " of beer on the wall.\n") local
    jump verse

    .mark: finish
    print (text %words local "No more bottles of beer on the wall, no more bottles of beer.") local
    print (text %words local "Go to the store and buy some more, 99 bottles of beer on the wall.") local

    izero %0 local
    return
.end
