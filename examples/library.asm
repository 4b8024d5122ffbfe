; The standard library: a module is imported, its functions are declared, and functions are passed to functions.
;
; `function` makes a value of a function's name. `std::functional::map/2` calls it for every element.

.import: [[static]] std::vector
.import: [[static]] std::functional
.signature: std::vector::of_ints/1
.signature: std::functional::map/2

.function: square/1
    allocate_registers %2 local

    .name: 1 n

    move %n local %0 parameters
    mul %0 local %n local %n local
    return
.end

.function: main/0
    allocate_registers %4 local

    .name: 1 numbers
    .name: 2 n
    .name: 3 fn

    frame ^[(move %0 arguments (integer %n local 8) local)]
    call %numbers local std::vector::of_ints/1
    frame ^[
        (move %0 arguments (function %fn local square/1) local)
        (move %1 arguments %numbers local)
    ]
    call %numbers local std::functional::map/2
    print %numbers local

    izero %0 local
    return
.end
