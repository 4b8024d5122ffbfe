/* viua.h: foreign modules for Viua, ABI 1.  C11 or later, C++, or any language that speaks the C ABI. */
#ifndef VIUA_H
#define VIUA_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define VIUA_ABI 1u

#if defined(_WIN32)
#define VIUA_EXPORT __declspec(dllexport)
#else
#define VIUA_EXPORT __attribute__((visibility("default")))
#endif

typedef struct viua_call viua_call;   /* one running foreign call: its frame and the process that waits for it */
typedef struct viua_value viua_value; /* one value */
typedef struct viua_pid { uint64_t word[4]; } viua_pid; /* plain data: may be kept, copied, compared with memcmp */

/* Kinds.  The numbers never change; new kinds get new numbers. */
enum {
    VIUA_EMPTY = 0, /* only as the kind of a NULL value: an empty argument register */
    VIUA_INTEGER = 1, VIUA_FLOAT = 2, VIUA_BOOLEAN = 3, VIUA_TEXT = 4, VIUA_STRING = 5, VIUA_ATOM = 6,
    VIUA_BITS = 7, VIUA_VECTOR = 8, VIUA_STRUCT = 9, VIUA_FUNCTION = 10, VIUA_CLOSURE = 11, VIUA_PROCESS = 12,
    VIUA_POINTER = 13, VIUA_EXCEPTION = 14, VIUA_IO_PORT = 15, VIUA_IO_REQUEST = 16, VIUA_FOREIGN = 17
};

/* Status codes of the functions below that return int32_t. */
enum {
    VIUA_OK = 0,
    VIUA_ERAISED = 1, /* an exception has been set: return this from the foreign function */
    VIUA_ETYPE = 2,   /* value of another kind */
    VIUA_EEMPTY = 3,  /* no such argument, or an empty one */
    VIUA_ERANGE = 4,  /* index, width or number out of range */
    VIUA_EKEY = 5,    /* no such struct key */
    VIUA_EUTF8 = 6,   /* bytes are not UTF-8 */
    VIUA_EDEAD = 7,   /* dead pointer */
    VIUA_EORIGIN = 8, /* pointer made by another process */
    VIUA_ECOPY = 9,   /* value cannot be copied */
    VIUA_EMEMORY = 10
};

/* Behaviour of an object made by a module.  Every function may be called on any thread, never twice at once for one object. */
typedef struct viua_object_type {
    uint32_t size;         /* sizeof(viua_object_type) as the module was compiled */
    uint32_t reserved;     /* 0 */
    const char *type_name; /* UTF-8, as std::typesystem::typeof/1 shows it; the address of this struct is the type's identity */
    void (*drop)(void *data);                                    /* required */
    size_t (*print)(const void *data, char *buffer, size_t cap); /* like snprintf: full length; NULL: the type name is printed */
    int32_t (*truth)(const void *data);                          /* NULL: always true */
    void *(*copy)(const void *data);                             /* NULL, or NULL returned: not copyable */
} viua_object_type;

typedef struct viua_api {
    uint32_t abi;  /* VIUA_ABI */
    uint32_t size; /* sizeof(viua_api) of the virtual machine: fields at or beyond it do not exist */

    /* --- the call.  Only on the thread that entered the foreign function, only until it returns. */
    const char *(*name)(viua_call *, size_t *length);          /* name the function was called by, UTF-8, not terminated */
    uint32_t (*argument_count)(viua_call *);
    viua_value *(*argument)(viua_call *, uint32_t index);      /* lent; NULL if there is none */
    viua_value *(*take_argument)(viua_call *, uint32_t index); /* given; NULL if there is none; the register becomes empty */
    void (*give_result)(viua_call *, viua_value *given);       /* replaces an earlier one */
    int32_t (*raise)(viua_call *, const char *tag, size_t tag_length, const char *text, size_t text_length); /* VIUA_ERAISED */
    int32_t (*raise_value)(viua_call *, viua_value *given);    /* as `throw` does; VIUA_ERAISED */
    int32_t (*raise_status)(viua_call *, int32_t status, uint32_t argument, uint32_t wanted_kind); /* standard texts; VIUA_ERAISED */
    viua_pid (*self)(viua_call *);
    int32_t (*dereference)(viua_call *, const viua_value *pointer, viua_value **lent);

    /* --- reading */
    uint32_t (*kind)(const viua_value *);
    const char *(*type_name)(const viua_value *, size_t *length);
    int32_t (*get_integer)(const viua_value *, int64_t *);
    int32_t (*get_float)(const viua_value *, double *);
    int32_t (*get_boolean)(const viua_value *, int32_t *);
    int32_t (*get_bytes)(const viua_value *, const uint8_t **lent, size_t *length); /* text, string, atom, name of a function or closure */
    int32_t (*get_bits)(const viua_value *, uint64_t *width, uint8_t *buffer, size_t capacity); /* least significant byte first */
    int32_t (*get_pid)(const viua_value *, viua_pid *);
    int32_t (*get_descriptor)(const viua_value *, int32_t *); /* I/O port, or a non-negative integer */
    int32_t (*get_exception)(const viua_value *, const char **tag, size_t *tag_length, const viua_value **lent_value); /* value may be NULL */
    int32_t (*get_object)(const viua_value *, const viua_object_type *, void **data);
    int32_t (*truth)(const viua_value *);          /* 0 or 1 */
    viua_value *(*print)(const viua_value *);      /* given: a String with what `echo` would write */

    /* --- making.  All results are given; NULL only when memory is exhausted, or as noted. */
    viua_value *(*make_integer)(int64_t);
    viua_value *(*make_float)(double);
    viua_value *(*make_boolean)(int32_t);
    viua_value *(*make_text)(const char *, size_t length);   /* NULL if not UTF-8 */
    viua_value *(*make_string)(const uint8_t *, size_t length);
    viua_value *(*make_atom)(const char *, size_t length);   /* NULL if not UTF-8 */
    viua_value *(*make_bits)(uint64_t width, const uint8_t *, size_t length);
    viua_value *(*make_vector)(void);
    viua_value *(*make_struct)(void);
    viua_value *(*make_function)(const char *name, size_t length);
    viua_value *(*make_process)(viua_pid);
    viua_value *(*make_exception)(const char *tag, size_t tag_length, viua_value *given_or_null);
    viua_value *(*make_port)(int32_t descriptor, int32_t owned);
    viua_value *(*make_object)(const viua_object_type *, void *data); /* on NULL the caller still owns data */

    /* --- containers */
    int32_t (*vector_length)(const viua_value *, size_t *);
    int32_t (*vector_at)(const viua_value *, size_t index, viua_value **lent);
    int32_t (*vector_push)(viua_value *, viua_value *given);
    int32_t (*vector_take)(viua_value *, size_t index, viua_value **given);
    int32_t (*struct_length)(const viua_value *, size_t *);
    int32_t (*struct_key)(const viua_value *, size_t index, const char **lent, size_t *length); /* in key order */
    int32_t (*struct_at)(const viua_value *, const char *key, size_t length, viua_value **lent);
    int32_t (*struct_insert)(viua_value *, const char *key, size_t length, viua_value *given);
    int32_t (*struct_take)(viua_value *, const char *key, size_t length, viua_value **given);

    /* --- values as a whole, and messages: on any thread */
    int32_t (*copy)(const viua_value *, viua_value **given);
    void (*drop)(viua_value *given_or_null);
    int32_t (*send)(const viua_pid *, viua_value *given); /* VIUA_OK also when nobody is there */
} viua_api;

typedef int32_t (*viua_function)(const viua_api *, viua_call *); /* VIUA_OK, or VIUA_ERAISED */

enum {
    VIUA_MAY_BLOCK = 0, /* default: runs on a foreign function worker */
    VIUA_QUICK = 1      /* promises to return within microseconds and never to wait: may run in place */
};

typedef struct viua_export {
    const char *name; /* "module::function/arity", UTF-8; NULL ends the table */
    viua_function function;
    uint32_t flags;
    uint32_t reserved; /* 0 */
} viua_export;

typedef struct viua_module {
    uint32_t abi;  /* VIUA_ABI */
    uint32_t size; /* sizeof(viua_module) as the module was compiled */
    const viua_export *exports;
    int32_t (*load)(const viua_api *); /* may be NULL; not 0: the import fails */
    void (*unload)(void);              /* may be NULL; called once all processes have ended */
} viua_module;

/* The one symbol a module must define.  What it returns must stay valid for ever. */
VIUA_EXPORT const viua_module *viua_module_v1(void);

#ifdef __cplusplus
}
#endif
#endif
