; A counter made of a closure.
;
; A closure has registers of its own, which keep their values between calls and live as long as the closure.
; Two counters made by one function are independent of each other.

.closure: count/0
    .name: 1 n

    iinc %n local
    copy %0 local %n local
    return
.end

.function: make_counter/0
    allocate_registers %2 local

    .name: 1 n

    izero %n local
    closure %0 local count/0
    capturemove %0 local %1 %n local
    return
.end

.function: main/0
    allocate_registers %4 local

    .name: 1 first
    .name: 2 second
    .name: 3 n

    frame %0
    call %first local make_counter/0
    frame %0
    call %second local make_counter/0

    frame %0
    print (call %n local %first local) local
    frame %0
    print (call %n local %first local) local
    frame %0
    print (call %n local %second local) local
    frame %0
    print (call %n local %first local) local

    izero %0 local
    return
.end
