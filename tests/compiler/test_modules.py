"""Files that import files: inside the project, without circles, within bounds."""

from __future__ import annotations

from pathlib import Path

import pytest

from graphdsl.compiler import codes
from graphdsl.compiler.check import check
from graphdsl.compiler.import_paths import project_root
from graphdsl.compiler.modules import Loaded, imported, load, std_module, std_names
from graphdsl.diagnostics import Source

ED = 'edition "2026"\n'
LIBRARY = ED + 'prompt ask(question: Text) "{{ question }}"\n'


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        path = folder / f"{name}.tts"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(ED + text if not text.startswith("edition") else text)


def load_main(folder: Path, root: Path | None = None) -> Loaded:
    path = folder / "main.tts"
    return load(Source("main.tts", path.read_text()), folder, root or folder)


def codes_of(loaded: Loaded) -> list[str]:
    return [diagnostic.code for diagnostic in loaded[1]]


def test_an_import_is_relative_to_the_file_that_names_it(tmp_path: Path) -> None:
    write(tmp_path, main='import "lib/a.tts" as a\n')
    write(tmp_path / "lib", a='import "../b.tts" as b\n')
    write(tmp_path, b=LIBRARY)
    module, diagnostics, sources = load_main(tmp_path)
    assert diagnostics == ()
    assert module is not None
    assert list(sources) == ["main.tts", "lib/a.tts", "b.tts"]
    assert module.imports["a"].imports["b"].prefix == "a.b."
    assert module.imports["a"].folder == str(tmp_path / "lib")


def test_a_file_that_is_imported_twice_is_one_module(tmp_path: Path) -> None:
    write(tmp_path, main='import "a.tts" as a\nimport "b.tts" as b\n')
    write(tmp_path, a='import "b.tts" as other\n', b=LIBRARY)
    module, _, _ = load_main(tmp_path)
    assert module is not None
    assert module.imports["b"] is module.imports["a"].imports["other"]
    assert len(imported(module)) == 3


def test_a_circle_is_shown_as_a_chain(tmp_path: Path) -> None:
    write(tmp_path, main='import "a.tts" as a\n', a='import "b.tts" as b\n')
    write(tmp_path, b='import "main.tts" as main\n')
    _, (diagnostic,), _ = load_main(tmp_path)
    assert diagnostic.code == codes.IMPORT_CYCLE
    assert "a.tts → b.tts → main.tts → a.tts" in diagnostic.message
    assert diagnostic.primary.span.source == "a.tts"


def test_a_circle_is_the_same_report_wherever_one_starts(tmp_path: Path) -> None:
    write(tmp_path, b='import "c.tts" as c\n', a='import "b.tts" as b\n')
    write(tmp_path, c='import "a.tts" as a\n')
    starts = [tmp_path / f"{name}.tts" for name in "abc"]
    found = [load(Source(p.name, p.read_text(encoding="utf-8")), tmp_path)[1] for p in starts]
    assert found[0] == found[1] == found[2]
    assert len(found[0]) == 1


def test_a_file_that_imports_itself_is_a_circle(tmp_path: Path) -> None:
    write(tmp_path, main='import "a.tts" as a\n', a='import "a.tts" as a\n')
    _, (diagnostic,), _ = load_main(tmp_path)
    assert "a.tts → a.tts" in diagnostic.message


@pytest.mark.parametrize("path", ["../outside.tts", "x/../../outside.tts", "link.tts", "dir/a.tts"])
def test_nothing_outside_of_the_project_can_be_imported(tmp_path: Path, path: str) -> None:
    project = tmp_path / "project"
    write(tmp_path, outside=LIBRARY, a=LIBRARY)
    write(project, main=f'import "{path}" as a\n')
    (project / "link.tts").symlink_to(tmp_path / "outside.tts")
    (project / "dir").symlink_to(tmp_path)
    (project / "x").mkdir()
    loaded = load_main(project)
    assert codes_of(loaded) == [codes.OUTSIDE_PROJECT]
    assert len(loaded[2]) == 1


def test_a_link_in_a_circle_is_refused(tmp_path: Path) -> None:
    (tmp_path / "loop.tts").symlink_to(tmp_path / "loop.tts")
    write(tmp_path, main='import "loop.tts" as a\n')
    assert codes_of(load_main(tmp_path)) in ([codes.UNREADABLE_FILE], [codes.FILE_NOT_FOUND])


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "~/a.tts",
        "C:/a.tts",
        "https://example.org/a.tts",
        "file:///a.tts",
        "a\\\\b.tts",
        "",
        "  ",
        "a\\n.tts",
    ],
)
def test_only_relative_paths_are_read(tmp_path: Path, path: str) -> None:
    write(tmp_path, main=f'import "{path}" as a\n')
    assert codes_of(load_main(tmp_path)) == [codes.NOT_RELATIVE]


def test_a_missing_file_has_a_suggestion(tmp_path: Path) -> None:
    write(tmp_path, main='import "lib/judge.tts" as a\n')
    write(tmp_path / "lib", judges=LIBRARY)
    _, (diagnostic,), _ = load_main(tmp_path)
    assert diagnostic.code == codes.FILE_NOT_FOUND
    assert diagnostic.helps[0].text == "did you mean `lib/judges.tts`?"


def test_names_of_a_lost_import_are_not_reported_again(tmp_path: Path) -> None:
    text = (
        f'{ED}import "gone.tts" as gone\n\nflow main(question: Text) -> Draft {{\n'
        "  return first(gone.several(question, models: gone.tiny))\n}\n"
    )
    checked = check(Source("main.tts", text), tmp_path)
    assert [found.code for found in checked.diagnostics] == [codes.FILE_NOT_FOUND]


def test_imports_may_be_twenty_deep_and_no_deeper(tmp_path: Path) -> None:
    for n in range(1, 21):
        write(tmp_path, **{f"f{n}": f'import "f{n + 1}.tts" as more\n'})
    write(tmp_path, main='import "f1.tts" as more\n', f21=LIBRARY)
    assert codes_of(load_main(tmp_path)) == [codes.TOO_MANY_FILES]
    write(tmp_path, f20=LIBRARY)
    assert codes_of(load_main(tmp_path)) == []


def test_a_program_has_two_hundred_files_at_most(tmp_path: Path) -> None:
    for n in range(200):
        write(tmp_path, **{f"f{n}": LIBRARY})
    lines = [f'import "f{n}.tts" as f{n}\n' for n in range(200)]
    write(tmp_path, main="".join(lines[:199]))
    assert codes_of(load_main(tmp_path)) == []
    write(tmp_path, main="".join(lines))
    assert codes_of(load_main(tmp_path)) == [codes.TOO_MANY_FILES]


def test_a_file_that_is_no_text_is_reported_in_its_own_name(tmp_path: Path) -> None:
    write(tmp_path, main='import "bad.tts" as a\n')
    (tmp_path / "bad.tts").write_bytes(b"\xff\xfe")
    _, (diagnostic,), sources = load_main(tmp_path)
    assert diagnostic.primary.span.source == "bad.tts"
    assert "bad.tts" in sources


def test_syntax_errors_of_an_imported_file_stop_the_check(tmp_path: Path) -> None:
    write(tmp_path, a="flow broken(\n")
    text = f'{ED}import "a.tts" as a\n\nflow main(question: Text) -> Draft {{ return oops }}\n'
    checked = check(Source("main.tts", text), tmp_path)
    assert {found.primary.span.source for found in checked.diagnostics} == {"a.tts"}
    assert not checked.ok


def test_a_text_without_a_file_imports_the_standard_library_only() -> None:
    loaded = load(Source("<text>", ED + 'import "a.tts" as a\nimport "std/roles.tts" as roles\n'))
    assert codes_of(loaded) == [codes.FILE_NOT_FOUND]
    assert loaded[0] is not None
    assert loaded[0].imports["roles"].prefix == "std.roles."


def test_the_standard_library_cannot_be_left() -> None:
    loaded = load(Source("<text>", ED + 'import "std/../errors.py" as a\n'))
    assert codes_of(loaded) == [codes.FILE_NOT_FOUND]


def test_role_prompts_of_the_package_are_read_once() -> None:
    module = std_module("roles")
    assert std_module("roles") is module
    assert {"rank", "critique", "fuse", "verify", "revise"} <= module.declarations.keys()
    with pytest.raises(FileNotFoundError):
        std_module("nothing")


@pytest.mark.parametrize("name", std_names())
def test_files_of_the_standard_library_have_no_diagnostics(name: str) -> None:
    module = std_module(name.removesuffix(".tts"))
    checked = check(module.source)
    assert [found.message for found in checked.diagnostics] == []


def test_the_project_is_the_nearest_folder_with_a_mark(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / "pyproject.toml").touch()
    assert project_root(inner) == tmp_path
    (tmp_path / "a" / ".git").mkdir()
    assert project_root(inner) == tmp_path / "a"


def test_names_of_imported_files_are_checked_with_their_types(tmp_path: Path) -> None:
    write(
        tmp_path,
        lib="model tiny { backend = simulated }\n\npool all = [tiny]\n\n"
        "flow several(question: Text, n: Number) -> List[Draft] {\n"
        "  return generate(question, models: all, samples: n)\n}\n",
    )
    text = (
        f'{ED}import "lib.tts" as lib\n\nflow main(question: Text) -> Draft {{\n'
        "  return lib.several(question, n: 3)\n}\n"
    )
    checked = check(Source("main.tts", text), tmp_path)
    (diagnostic,) = checked.diagnostics
    assert diagnostic.code == codes.WRONG_RESULT
    assert diagnostic.primary.span.source == "main.tts"
