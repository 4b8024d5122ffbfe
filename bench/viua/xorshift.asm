; Random numbers: n rounds of a 64-bit xorshift. Three copies, shifts and exclusive ors a round.
.function: main/1
    allocate_registers %10 local

    .name: 1 argv
    .name: 2 n
    .name: 3 i
    .name: 4 x
    .name: 5 t
    .name: 6 thirteen
    .name: 7 seven
    .name: 8 seventeen
    .name: 9 done

    move %argv local %0 parameters
    integer %i local 1
    vat %n local %argv local %i local
    stoi %n local *n local
    integer %i local 0
    integer %thirteen local 13
    integer %seven local 7
    integer %seventeen local 17
    bits %x local 0x9e3779b97f4a7c15

    .mark: next
    gte %done local %i local %n local
    if %done local finish body
    .mark: body
    copy %t local %x local
    shl void %t local %thirteen local
    bitxor %x local %x local %t local
    copy %t local %x local
    shr void %t local %seven local
    bitxor %x local %x local %t local
    copy %t local %x local
    shl void %t local %seventeen local
    bitxor %x local %x local %t local
    iinc %i local
    jump next

    .mark: finish
    print %x local
    izero %0 local
    return
.end
