//! The virtual machine: loader, values, processes, interpreter
