; What upgrade.asm answers, first version: what it was told.

.function: handler::answer/1
    allocate_registers %3 local

    .name: 1 line
    .name: 2 words

    move %line local %0 parameters
    text %words local "first: "
    textconcat %0 local %words local %line local
    return
.end
