; A hash: 64-bit FNV-1a of n bytes, which are the lowest ones of 0, 1, 2 and so on.
.function: main/1
    allocate_registers %9 local

    .name: 1 argv
    .name: 2 n
    .name: 3 i
    .name: 4 hash
    .name: 5 byte
    .name: 6 prime
    .name: 7 mask
    .name: 8 done

    move %argv local %0 parameters
    integer %i local 1
    vat %n local %argv local %i local
    stoi %n local *n local
    integer %i local 0
    bits %hash local 0xcbf29ce484222325
    bits %prime local 0x100000001b3
    bits %mask local 0xff

    .mark: next
    gte %done local %i local %n local
    if %done local finish body
    .mark: body
    bits_of_integer %byte local %i local
    bitand %byte local %byte local %mask local
    bitxor %hash local %hash local %byte local
    wrapmul %hash local %hash local %prime local
    iinc %i local
    jump next

    .mark: finish
    print %hash local
    izero %0 local
    return
.end
