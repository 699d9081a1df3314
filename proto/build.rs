//! Compiles the .proto files without a system protoc and keeps the descriptor set, options included.

use std::{env, error::Error, fs, path::PathBuf};

fn proto_files(dir: &str, found: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            proto_files(&path.to_string_lossy(), found)?;
        } else if path.extension().is_some_and(|ext| ext == "proto") {
            found.push(path);
        }
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=holdfast");
    let mut files = Vec::new();
    proto_files("holdfast", &mut files)?;
    files.sort();

    let mut compiler = protox::Compiler::new(["."])?;
    compiler
        .include_imports(true)
        .include_source_info(true)
        .open_files(files)?;
    // The encoded form keeps the extension options that the decoded one would drop.
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(
        out.join("holdfast.fds"),
        compiler.encode_file_descriptor_set(),
    )?;

    tonic_prost_build::configure()
        .bytes(".holdfast")
        .compile_fds(compiler.file_descriptor_set())?;
    Ok(())
}
