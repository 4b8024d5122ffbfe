.function: deliver/1
    allocate_registers %4 local

    .name: 1 order
    .name: 2 urgent
    .name: 3 paid

    move %order local %0 parameters
    text %urgent local "yes"
    text %paid local ""

    if %urgent local check_payment queue

    .mark: check_payment
    if %paid local queue reject

    .mark: reject
    delete %order local

    .mark: queue
    print %order local
    izero %0 local
    return
.end
.function: main/0
    allocate_registers %2 local
    frame ^[(move %0 arguments (text %1 local "order 66") local)]
    call void deliver/1
    izero %0 local
    return
.end
