/* A foreign module in C.
 *
 *     cc -shared -fPIC -I include -o example.so viua-ffi/examples/example.c -lm
 *
 * Then `.import: [[dynamic]] example`, with the directory of example.so in VIUA_LIBRARY_PATH.
 */
#include "viua.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The square root of a Float. */
static int32_t root(const viua_api *vm, viua_call *call) {
    double x;
    int32_t status = vm->get_float(vm->argument(call, 0), &x);
    if (status != VIUA_OK) return vm->raise_status(call, status, 0, VIUA_FLOAT);
    if (x < 0) return vm->raise(call, "Domain_error", 12, "negative", 8);
    vm->give_result(call, vm->make_float(sqrt(x)));
    return VIUA_OK;
}

/* Gives back what it gets. */
static int32_t same(const viua_api *vm, viua_call *call) {
    viua_value *value = vm->take_argument(call, 0);
    if (value == NULL) return vm->raise_status(call, VIUA_EEMPTY, 0, VIUA_EMPTY);
    vm->give_result(call, value);
    return VIUA_OK;
}

/* Appends a copy of argument 1 to the vector that argument 0 points to; the result is the new length. */
static int32_t append(const viua_api *vm, viua_call *call) {
    viua_value *vector, *copied;
    size_t length;
    int32_t status = vm->dereference(call, vm->argument(call, 0), &vector);
    if (status != VIUA_OK) return vm->raise_status(call, status, 0, VIUA_POINTER);
    status = vm->copy(vm->argument(call, 1), &copied);
    if (status != VIUA_OK) return vm->raise_status(call, status, 1, VIUA_EMPTY);
    status = vm->vector_push(vector, copied);
    if (status != VIUA_OK) {
        vm->drop(copied);
        return vm->raise_status(call, status, 0, VIUA_VECTOR);
    }
    vm->vector_length(vector, &length);
    vm->give_result(call, vm->make_integer((int64_t)length));
    return VIUA_OK;
}

/* The widths and bytes of bit strings: reverses the order of the bytes. */
static int32_t swap_bytes(const viua_api *vm, viua_call *call) {
    uint64_t width;
    uint8_t bytes[64], swapped[64];
    size_t count, i;
    int32_t status = vm->get_bits(vm->argument(call, 0), &width, bytes, sizeof bytes);
    if (status != VIUA_OK) return vm->raise_status(call, status, 0, VIUA_BITS);
    count = (width + 7) / 8;
    for (i = 0; i < count; ++i) swapped[i] = bytes[count - 1 - i];
    vm->give_result(call, vm->make_bits(count * 8, swapped, count));
    return VIUA_OK;
}

/* A struct that says everything about a value. */
static int32_t inspect(const viua_api *vm, viua_call *call) {
    viua_value *value = vm->argument(call, 0), *result = vm->make_struct();
    size_t length;
    const char *type = vm->type_name(value, &length);
    vm->struct_insert(result, "kind", 4, vm->make_integer(vm->kind(value)));
    vm->struct_insert(result, "type", 4, vm->make_text(type, length));
    vm->struct_insert(result, "truth", 5, vm->make_boolean(vm->truth(value)));
    vm->struct_insert(result, "printed", 7, vm->print(value));
    vm->give_result(call, result);
    return VIUA_OK;
}

/* An object with a name of its own. */
typedef struct point { int64_t x, y; } point;
static int64_t points;

static void point_drop(void *data) {
    points -= 1;
    free(data);
}
static size_t point_print(const void *data, char *buffer, size_t capacity) {
    const point *it = data;
    return (size_t)snprintf(buffer, capacity, "(%lld, %lld)", (long long)it->x, (long long)it->y);
}
static const viua_object_type point_type = {
    sizeof(viua_object_type), 0, "Point", point_drop, point_print, NULL, NULL,
};

static int32_t make_point(const viua_api *vm, viua_call *call) {
    int64_t x, y;
    int32_t status = vm->get_integer(vm->argument(call, 0), &x);
    if (status != VIUA_OK) return vm->raise_status(call, status, 0, VIUA_INTEGER);
    status = vm->get_integer(vm->argument(call, 1), &y);
    if (status != VIUA_OK) return vm->raise_status(call, status, 1, VIUA_INTEGER);
    point *it = malloc(sizeof *it);
    if (it == NULL) return vm->raise_status(call, VIUA_EMEMORY, 0, 0);
    it->x = x;
    it->y = y;
    points += 1;
    vm->give_result(call, vm->make_object(&point_type, it));
    return VIUA_OK;
}

/* The number of points that there are: objects die with their value. */
static int32_t count_points(const viua_api *vm, viua_call *call) {
    vm->give_result(call, vm->make_integer(points));
    return VIUA_OK;
}

/* Raises what it gets, as `throw` would. */
static int32_t throw_it(const viua_api *vm, viua_call *call) {
    return vm->raise_value(call, vm->take_argument(call, 0));
}

/* Breaks its promise. */
static int32_t misbehave(const viua_api *vm, viua_call *call) {
    (void)vm;
    (void)call;
    return 99;
}

static const viua_export table[] = {
    {"example::root/1", root, VIUA_QUICK, 0},
    {"example::same/1", same, VIUA_MAY_BLOCK, 0},
    {"example::append/2", append, VIUA_QUICK, 0},
    {"example::swap_bytes/1", swap_bytes, VIUA_QUICK, 0},
    {"example::inspect/1", inspect, VIUA_MAY_BLOCK, 0},
    {"example::point/2", make_point, VIUA_MAY_BLOCK, 0},
    {"example::points/0", count_points, VIUA_QUICK, 0},
    {"example::throw/1", throw_it, VIUA_MAY_BLOCK, 0},
    {"example::misbehave/0", misbehave, VIUA_QUICK, 0},
    {NULL, NULL, 0, 0},
};
static const viua_module module = {VIUA_ABI, sizeof(viua_module), table, NULL, NULL};

const viua_module *viua_module_v1(void) { return &module; }
