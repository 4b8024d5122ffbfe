; Command line arguments: greets everyone who is named on the command line.
;
; `main/2` gets the path of the program and a vector with the arguments. A vector is true as long as something is in it.

.function: greet/1
    allocate_registers %3 local

    .name: 1 name
    .name: 2 words

    move %name local %0 parameters
    echo (text %words local "Hello, ") local
    echo %name local
    print (text %words local "!") local
    return
.end

.function: main/2
    allocate_registers %4 local

    .name: 1 names
    .name: 2 name
    .name: 3 first

    move %names local %1 parameters
    if %names local next

    frame ^[(move %0 arguments (text %name local "whoever you are") local)]
    call void greet/1
    jump finish

    .mark: next
    vpop %name local %names local (izero %first local) local
    frame ^[(move %0 arguments %name local)]
    call void greet/1
    if %names local next finish

    .mark: finish
    izero %0 local
    return
.end
