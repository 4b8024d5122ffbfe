; What upgrade.asm answers, second version: how long it was.

.function: handler::answer/1
    allocate_registers %3 local

    .name: 1 line
    .name: 2 words

    move %line local %0 parameters
    text %words local "second: "
    textlength %line local %line local
    text %line local %line local
    textconcat %0 local %words local %line local
    return
.end
