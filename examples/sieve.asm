; The sieve of Eratosthenes: a vector whose elements are changed in place, through pointers.
;
; `vat` makes a pointer to an element, and `*entry` is the element itself: `iinc *entry local` changes it where it is.

.function: main/0
    allocate_registers %8 local

    .name: 1 limit
    .name: 2 crossed_out
    .name: 3 i
    .name: 4 multiple
    .name: 5 entry
    .name: 6 is_below
    .name: 7 zero

    integer %limit local 30
    vector %crossed_out local
    izero %i local

    .mark: fill
    lt %is_below local %i local %limit local
    if %is_below local append search

    .mark: append
    vpush %crossed_out local (izero %zero local) local
    iinc %i local
    jump fill

    .mark: search
    integer %i local 2

    .mark: look
    lt %is_below local %i local %limit local
    if %is_below local test finish

    .mark: test
    vat %entry local %crossed_out local %i local
    if *entry local next prime

    .mark: prime
    print %i local
    add %multiple local %i local %i local

    .mark: cross
    lt %is_below local %multiple local %limit local
    if %is_below local strike next

    .mark: strike
    vat %entry local %crossed_out local %multiple local
    iinc *entry local
    add %multiple local %i local
    jump cross

    .mark: next
    iinc %i local
    jump look

    .mark: finish
    izero %0 local
    return
.end
