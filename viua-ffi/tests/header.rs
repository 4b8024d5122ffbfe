//! `include/viua.h` and [`viua_ffi::sys`] describe the same memory: a C and a C++ compiler are asked. Without a compiler
//! only the names are compared, by the unit tests.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use viua_ffi::sys::*;

fn check(name: &str, size: usize, fields: &[(&str, usize)], out: &mut String) {
    writeln!(out, "CHECK(sizeof({name}) == {size});").unwrap();
    for (field, offset) in fields {
        writeln!(out, "CHECK(offsetof({name}, {}) == {offset});", field.trim_end_matches('_')).unwrap();
    }
}

#[test]
fn compilers_agree_on_sizes_and_offsets() {
    let mut source = "#include \"viua.h\"\n\
                      #ifdef __cplusplus\n#define CHECK(x) static_assert(x, #x)\n\
                      #else\n#define CHECK(x) _Static_assert(x, #x)\n#endif\n"
        .to_owned();
    check("viua_api", size_of::<viua_api>(), viua_api::FIELDS, &mut source);
    check("viua_object_type", size_of::<viua_object_type>(), viua_object_type::FIELDS, &mut source);
    check("viua_export", size_of::<viua_export>(), viua_export::FIELDS, &mut source);
    check("viua_module", size_of::<viua_module>(), viua_module::FIELDS, &mut source);
    check("viua_pid", size_of::<viua_pid>(), &[("word", 0)], &mut source);
    let directory = tempfile::tempdir().unwrap();
    let include = Path::new(env!("CARGO_MANIFEST_DIR")).join("../include");
    for (language, standard) in [("c", "-std=c11"), ("c++", "-std=c++11")] {
        let file = directory.path().join("layout.c");
        std::fs::write(&file, &source).unwrap();
        let mut compiler = Command::new("cc");
        compiler.args(["-x", language, standard, "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-I"]);
        match compiler.arg(&include).arg(&file).output() {
            Err(error) => eprintln!("skipped: there is no C compiler ({error})"),
            // Compilers for C do not always come with one for C++.
            Ok(output) if language == "c++" && String::from_utf8_lossy(&output.stderr).contains("cc1plus") => {
                eprintln!("skipped: there is no C++ compiler");
            }
            Ok(output) => assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr)),
        }
    }
}
