"""Whatever is done to a log, verification finds it and says where; what it cannot see without a witness is shown too."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dialguard.audit import standalone
from dialguard.audit.log import DecisionLog
from tests.audit.conftest import body, breaks

MUTATIONS = int(os.environ.get("DIALGUARD_MUTATIONS", "2000"))
"""`DIALGUARD_MUTATIONS=10000` tries as many as the guide speaks of."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log of one chain in four segments, with a checkpoint of its last line kept elsewhere."""
    top = tmp_path_factory.mktemp("made")
    with DecisionLog(top / "decisions", witness=str(top / "witness.ndjson"), segment_bytes=6_000) as log:
        for number in range(28):
            log.append([body(log, f"{number}")])
    return top


def _segments(top: Path) -> list[Path]:
    (chain,) = standalone.chains(top / "decisions")
    return standalone.segments(chain)


def test_an_untouched_log_is_whole(made: Path) -> None:
    account = standalone.verify(made / "decisions", [made / "witness.ndjson"])
    assert account.breaks == []
    assert (account.segments, account.chains, account.checkpoints) == (4, 1, 2)
    assert account.records == 28 + 4 + 3  # decisions, begins, ends
    assert account.pieces == 2


def test_every_mutation_is_found_where_it_was_made(made: Path, tmp_path: Path) -> None:
    top = tmp_path / "copy"
    shutil.copytree(made, top)
    chosen, paths = random.Random(20261124), _segments(top)
    raws = [path.read_bytes() for path in paths]
    first = [int(path.stem) for path in paths]
    counts: dict[str, int] = {}
    while sum(counts.values()) < MUTATIONS:
        place = chosen.randrange(len(paths))
        raw = raws[place]
        said = raw.splitlines(keepends=True)
        kind = chosen.choice(("flip", "delete", "insert", "cut", "delete line", "duplicate line", "reorder lines", "insert line"))
        at = chosen.randrange(len(raw))
        line = raw.count(b"\n", 0, at)
        if kind == "flip":
            changed = raw[:at] + bytes([raw[at] ^ (1 << chosen.randrange(8))]) + raw[at + 1 :]
        elif kind == "delete":
            changed = raw[:at] + raw[at + chosen.randint(1, 3) :]
        elif kind == "insert":
            changed = raw[:at] + bytes([chosen.randrange(256)]) + raw[at:]
        elif kind == "cut":
            changed = raw[:at]
        elif kind == "delete line":
            changed = b"".join(said[:line] + said[line + 1 :])
        elif kind == "duplicate line":
            other = chosen.randrange(line, len(said))
            changed = b"".join([*said[: other + 1], said[line], *said[other + 1 :]])
            line = other + 1
        elif kind == "reorder lines":
            other = chosen.randrange(len(said))
            if other == line:
                continue
            said[line], said[other] = said[other], said[line]
            changed, line = b"".join(said), min(line, other)
        else:
            foreign = chosen.choice(raws[place - 1].splitlines(keepends=True))
            changed = b"".join([*said[:line], foreign, *said[line:]])
        if changed == raw:
            continue
        paths[place].write_bytes(changed)
        found = standalone.verify(top / "decisions", [top / "witness.ndjson"]).breaks
        seq = first[place] + line
        assert found and found[0].chain == paths[place].parent.name and seq <= found[0].seq <= seq + 1, (kind, seq, at, found[:2])
        paths[place].write_bytes(raw)
        counts[kind] = counts.get(kind, 0) + 1
    assert len(counts) == 8
    assert breaks(top / "decisions") == []


def test_a_segment_taken_away_or_changed_with_another(made: Path, tmp_path: Path) -> None:
    for number in range(4):
        top = tmp_path / f"gone{number}"
        shutil.copytree(made, top)
        path = _segments(top)[number]
        path.unlink()
        found = standalone.verify(top / "decisions").breaks
        assert found[0].seq == int(path.stem), found
    top = tmp_path / "changed"
    shutil.copytree(made, top)
    one, other = _segments(top)[1:3]
    raw = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(raw)
    assert standalone.verify(top / "decisions").breaks[0].seq == int(one.stem)


def _rewritten(top: Path) -> None:
    """Changes one verdict of the last segment and makes all hashes after it fit, as somebody with the code would."""
    path = _segments(top)[-1]
    before, out = None, []
    for line in path.read_bytes().splitlines(keepends=True):
        found = standalone.parse(line)
        said = found.said.replace(b'"verdict":"allow"', b'"verdict":"deny"')
        hash_ = found.hash if before is None else standalone.digest(before, said)
        out.append(said + b',"hash":"%b"}\n' % hash_.hex().encode())
        before = hash_
    path.write_bytes(b"".join(out))


def test_rewritten_history_is_found_against_the_witness_alone(made: Path, tmp_path: Path) -> None:
    top = tmp_path / "copy"
    shutil.copytree(made, top)
    _rewritten(top)
    (found,) = breaks(top / "decisions")
    assert "differs from the checkpoint in checkpoints.ndjson" in found
    (top / "decisions" / "checkpoints.ndjson").unlink()  # whoever rewrites the log can do this too
    assert breaks(top / "decisions") == []
    (found,) = breaks(top / "decisions", top / "witness.ndjson")
    assert "at seq 35: the hash differs from the checkpoint in witness.ndjson: history was rewritten" in found


def test_a_tail_cut_is_found_up_to_the_last_checkpoint_and_not_after_it(tmp_path: Path) -> None:
    witness = tmp_path / "witness.ndjson"
    log = DecisionLog(tmp_path / "decisions", witness=str(witness))
    log.append([body(log, "1"), body(log, "2")])
    log.checkpoint()
    log.append([body(log, "3")])
    (path,) = standalone.segments(standalone.chains(log.folder)[0])
    said = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(said[:3]))
    assert breaks(log.folder, witness) == []  # cut after the checkpoint: nothing can tell
    path.write_bytes(b"".join(said[:2]))
    (found,) = breaks(log.folder, witness)
    assert "at seq 3: the chain ends at seq 2; checkpoints.ndjson has a checkpoint of seq 3: its tail was cut" in found
    path.unlink()
    path.parent.joinpath("lock").unlink()
    path.parent.rmdir()
    assert "the chain is missing" in breaks(log.folder, witness)[0]


def test_a_kept_piece_changed_or_missing(made: Path, tmp_path: Path) -> None:
    for change in (lambda path: path.write_bytes(path.read_bytes() + b" "), Path.unlink):
        top = tmp_path / f"copy{change.__name__}"
        shutil.copytree(made, top)
        path = sorted((top / "decisions" / "kept").glob("*/*"))[0]
        change(path)
        (found,) = standalone.verify(top / "decisions").breaks
        assert path.name in found.what and found.seq == 2


def test_what_an_attempt_says_can_feign_no_kept_piece(tmp_path: Path) -> None:
    with DecisionLog(tmp_path / "decisions") as log:
        log.append([body(log, '{"kind":"decision","kept":{"rules":"' + "0" * 64 + '"}}')])
    assert breaks(log.folder) == []


def test_a_checkpoint_that_is_none(made: Path, tmp_path: Path) -> None:
    path = tmp_path / "witness.ndjson"
    path.write_text('{"chain": "x"}\nnot json\n{"chain": "chain-0", "seq"')
    found = breaks(made / "decisions", path)
    assert found == ["witness.ndjson line 1: not a checkpoint", "witness.ndjson line 2: not a checkpoint"]


def test_the_verifier_works_alone(made: Path, tmp_path: Path) -> None:
    alone = tmp_path / "verify_decisions.py"
    alone.write_text(Path(standalone.__file__).read_text("utf-8"), "utf-8")

    def verify(top: Path) -> subprocess.CompletedProcess[str]:
        told = [sys.executable, "-I", "-S", str(alone), str(top / "decisions"), "--checkpoints", str(top / "witness.ndjson"), "--json"]
        return subprocess.run(told, cwd=tmp_path, capture_output=True, text=True, check=False)

    done = verify(made)
    assert done.returncode == 0 and json.loads(done.stdout)["whole"] is True and done.stderr == ""
    top = tmp_path / "copy"
    shutil.copytree(made, top)
    path = _segments(top)[0]
    path.write_bytes(path.read_bytes().replace(b'"allow"', b'"deny!"', 1))
    done = verify(top)
    assert done.returncode == 1 and json.loads(done.stdout)["breaks"][0]["seq"] == 2


def _chain_of(folder: Path, *segments: list[bytes], names: tuple[int, ...] = ()) -> list[str]:
    """What verification says of a chain made of these bodies, every hash of which fits; ``names`` of its segments where not as due."""
    chain = folder / "decisions" / "chain-0123456789abcdef"
    chain.mkdir(parents=True)
    seq, before = 0, standalone.START
    for place, bodies in enumerate(segments):
        out, first = [], seq + 1
        for body_ in bodies:
            seq += 1
            said = b'{"seq":%d,"body":%b' % (seq, body_.replace(b"BEFORE", before.hex().encode()))
            before = standalone.digest(before, said)
            out.append(said + b',"hash":"%b"}\n' % before.hex().encode())
        (chain / f"{names[place] if names else first:012}.ndjson").write_bytes(b"".join(out))
    return breaks(folder / "decisions")


BEGIN = b'{"kind":"begin","chain":"chain-0123456789abcdef","before":"BEFORE"}'
END, RECORD = b'{"kind":"end","count":2}', b'{"kind":"decision"}'


@pytest.mark.parametrize(
    ("segments", "names", "says"),
    [
        (([BEGIN, RECORD, END], [BEGIN]), (), ""),
        (([RECORD],), (), "at seq 1: a segment begins with its first line and nowhere else"),
        (([BEGIN, BEGIN],), (), "at seq 2: a segment begins with its first line and nowhere else"),
        (([BEGIN, RECORD, RECORD, END], [BEGIN]), (), "at seq 4: the end states another number of lines than the 3"),
        (([BEGIN, RECORD], [BEGIN]), (), "at seq 3: 000000000001.ndjson has no end, though a segment follows"),
        (([BEGIN, RECORD, END, RECORD],), (), "at seq 4: 000000000001.ndjson goes on after its end"),
        (([BEGIN, RECORD, END], [BEGIN]), (1, 5), "at seq 4: 000000000005.ndjson begins with another sequence number"),
        (([BEGIN.replace(b"BEFORE", b"00")],), (), "at seq 1: 000000000001.ndjson begins with another hash"),
        (([BEGIN.replace(b"cdef", b"0000")],), (), "at seq 1: 000000000001.ndjson begins as a segment of another chain"),
        (([BEGIN, b'{"x":1}'],), (), "at seq 2: the body names no kind"),
    ],
)
def test_a_chain_that_was_put_together_with_hashes_that_fit(tmp_path: Path, segments, names: tuple[int, ...], says: str) -> None:
    found = _chain_of(tmp_path, *segments, names=names)
    assert found == [] if not says else says in found[0]
