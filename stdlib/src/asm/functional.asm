; std::functional: calling functions that are values. The function comes first, then what it is called with.

.block: std::functional::call_with_value
    frame ^[(move %0 arguments %2 local)]
    call %0 local %1 local
    leave
.end

.block: std::functional::swallow
    draw %3 local
    delete %3 local
    leave
.end

; fn(value). An exception with the tag "Exception" is swallowed, and then there is no result: this is how a function
; without a result is borne. Nothing can be said about register 0 beforehand.
.function: [[no_sa]] std::functional::apply/2
    allocate_registers %4 local

    move %1 local %0 parameters
    move %2 local %1 parameters
    try
    catch "Exception" std::functional::swallow
    enter std::functional::call_with_value
    return
.end

; Copies of the elements for which fn is true.
.function: std::functional::filter/2
    allocate_registers %8 local

    .name: 1 fn
    .name: 2 source
    .name: 3 i
    .name: 4 length
    .name: 5 more
    .name: 6 element
    .name: 7 answer

    move %fn local %0 parameters
    move %source local %1 parameters
    vector %0 local
    vlen %length local %source local
    izero %i local

    .mark: next
    lt %more local %i local %length local
    if %more local ask done

    .mark: ask
    vat %element local %source local %i local
    iinc %i local
    frame ^[(copy %0 arguments *element local)]
    call %answer local %fn local
    if %answer local keep next

    .mark: keep
    vpush %0 local *element local
    jump next

    .mark: done
    return
.end

; fn(x) for each element.
.function: std::functional::map/2
    allocate_registers %8 local

    .name: 1 fn
    .name: 2 source
    .name: 3 i
    .name: 4 length
    .name: 5 more
    .name: 6 element
    .name: 7 result

    move %fn local %0 parameters
    move %source local %1 parameters
    vector %0 local
    vlen %length local %source local
    izero %i local

    .mark: next
    lt %more local %i local %length local
    if %more local apply done

    .mark: apply
    vat %element local %source local %i local
    iinc %i local
    frame ^[(copy %0 arguments *element local)]
    call %result local %fn local
    vpush %0 local %result local
    jump next

    .mark: done
    return
.end

; Calls fn with each element; results are ignored and need not exist.
.function: std::functional::foreach/2
    allocate_registers %7 local

    .name: 1 fn
    .name: 2 source
    .name: 3 i
    .name: 4 length
    .name: 5 more
    .name: 6 element

    move %fn local %0 parameters
    move %source local %1 parameters
    vlen %length local %source local
    izero %i local

    .mark: next
    lt %more local %i local %length local
    if %more local apply done

    .mark: apply
    vat %element local %source local %i local
    iinc %i local
    frame ^[(copy %0 arguments *element local)]
    call void %fn local
    jump next

    .mark: done
    return
.end

; fn(x, y, ...) with the elements as arguments. A frame has a size that is written in the code, so there is one for
; each number of elements; what fills it is the same for all. The checks cannot follow that.
.function: [[no_sa]] std::functional::invoke/2
    allocate_registers %7 local

    .name: 1 fn
    .name: 2 source
    .name: 3 i
    .name: 4 length
    .name: 5 more
    .name: 6 element

    move %fn local %0 parameters
    move %source local %1 parameters
    vlen %length local %source local

    eq %more local %length local (integer %i local 0) local
    if %more local with_0 not_0
    .mark: with_0
    frame %0
    jump fill
    .mark: not_0

    eq %more local %length local (integer %i local 1) local
    if %more local with_1 not_1
    .mark: with_1
    frame %1
    jump fill
    .mark: not_1

    eq %more local %length local (integer %i local 2) local
    if %more local with_2 not_2
    .mark: with_2
    frame %2
    jump fill
    .mark: not_2

    eq %more local %length local (integer %i local 3) local
    if %more local with_3 not_3
    .mark: with_3
    frame %3
    jump fill
    .mark: not_3

    eq %more local %length local (integer %i local 4) local
    if %more local with_4 not_4
    .mark: with_4
    frame %4
    jump fill
    .mark: not_4

    eq %more local %length local (integer %i local 5) local
    if %more local with_5 not_5
    .mark: with_5
    frame %5
    jump fill
    .mark: not_5

    eq %more local %length local (integer %i local 6) local
    if %more local with_6 not_6
    .mark: with_6
    frame %6
    jump fill
    .mark: not_6

    eq %more local %length local (integer %i local 7) local
    if %more local with_7 not_7
    .mark: with_7
    frame %7
    jump fill
    .mark: not_7

    eq %more local %length local (integer %i local 8) local
    if %more local with_8 not_8
    .mark: with_8
    frame %8
    jump fill
    .mark: not_8

    eq %more local %length local (integer %i local 9) local
    if %more local with_9 not_9
    .mark: with_9
    frame %9
    jump fill
    .mark: not_9

    eq %more local %length local (integer %i local 10) local
    if %more local with_10 not_10
    .mark: with_10
    frame %10
    jump fill
    .mark: not_10

    eq %more local %length local (integer %i local 11) local
    if %more local with_11 not_11
    .mark: with_11
    frame %11
    jump fill
    .mark: not_11

    eq %more local %length local (integer %i local 12) local
    if %more local with_12 not_12
    .mark: with_12
    frame %12
    jump fill
    .mark: not_12

    eq %more local %length local (integer %i local 13) local
    if %more local with_13 not_13
    .mark: with_13
    frame %13
    jump fill
    .mark: not_13

    eq %more local %length local (integer %i local 14) local
    if %more local with_14 not_14
    .mark: with_14
    frame %14
    jump fill
    .mark: not_14

    eq %more local %length local (integer %i local 15) local
    if %more local with_15 not_15
    .mark: with_15
    frame %15
    jump fill
    .mark: not_15

    eq %more local %length local (integer %i local 16) local
    if %more local with_16 not_16
    .mark: with_16
    frame %16
    jump fill
    .mark: not_16

    eq %more local %length local (integer %i local 17) local
    if %more local with_17 not_17
    .mark: with_17
    frame %17
    jump fill
    .mark: not_17

    eq %more local %length local (integer %i local 18) local
    if %more local with_18 not_18
    .mark: with_18
    frame %18
    jump fill
    .mark: not_18

    eq %more local %length local (integer %i local 19) local
    if %more local with_19 not_19
    .mark: with_19
    frame %19
    jump fill
    .mark: not_19

    eq %more local %length local (integer %i local 20) local
    if %more local with_20 not_20
    .mark: with_20
    frame %20
    jump fill
    .mark: not_20

    eq %more local %length local (integer %i local 21) local
    if %more local with_21 not_21
    .mark: with_21
    frame %21
    jump fill
    .mark: not_21

    eq %more local %length local (integer %i local 22) local
    if %more local with_22 not_22
    .mark: with_22
    frame %22
    jump fill
    .mark: not_22

    eq %more local %length local (integer %i local 23) local
    if %more local with_23 not_23
    .mark: with_23
    frame %23
    jump fill
    .mark: not_23

    eq %more local %length local (integer %i local 24) local
    if %more local with_24 not_24
    .mark: with_24
    frame %24
    jump fill
    .mark: not_24

    eq %more local %length local (integer %i local 25) local
    if %more local with_25 not_25
    .mark: with_25
    frame %25
    jump fill
    .mark: not_25

    eq %more local %length local (integer %i local 26) local
    if %more local with_26 not_26
    .mark: with_26
    frame %26
    jump fill
    .mark: not_26

    eq %more local %length local (integer %i local 27) local
    if %more local with_27 not_27
    .mark: with_27
    frame %27
    jump fill
    .mark: not_27

    eq %more local %length local (integer %i local 28) local
    if %more local with_28 not_28
    .mark: with_28
    frame %28
    jump fill
    .mark: not_28

    eq %more local %length local (integer %i local 29) local
    if %more local with_29 not_29
    .mark: with_29
    frame %29
    jump fill
    .mark: not_29

    eq %more local %length local (integer %i local 30) local
    if %more local with_30 not_30
    .mark: with_30
    frame %30
    jump fill
    .mark: not_30

    eq %more local %length local (integer %i local 31) local
    if %more local with_31 not_31
    .mark: with_31
    frame %31
    jump fill
    .mark: not_31

    eq %more local %length local (integer %i local 32) local
    if %more local with_32 not_32
    .mark: with_32
    frame %32
    jump fill
    .mark: not_32

    text %i local "too many arguments: "
    textconcat %i local %i local (text %length local %length local) local
    exception %0 local (atom %more local 'Exception') local %i local
    throw %0 local

    .mark: fill
    izero %i local
    .mark: next
    lt %more local %i local %length local
    if %more local append done

    .mark: append
    vat %element local %source local %i local
    copy @i arguments *element local
    iinc %i local
    jump next

    .mark: done
    call %0 local %fn local
    return
.end
