"""A restart begins with a snapshot and goes on with the log, whatever became of either."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.errors import Overloaded
from services.indexer.definition import Definition
from services.indexer.index.builder import IndexTuning
from services.indexer.index.faiss_index import FaissIndex
from services.indexer.index.port import Index, Moved, Proceed
from services.indexer.index.saved import Forms
from services.indexer.record.catalogue import Catalogue
from services.indexer.record.layout import Layout
from services.indexer.serving.keeper import Keeper, Rules
from services.indexer.serving.shelf import Shelf
from services.indexer.serving.shelves import Shelves
from services.indexer.serving.snapshots import ABANDONED_S, KEPT, Snapshots, Write
from services.indexer.version import Mark, Position, Version
from services.indexer.wire.items import pack_item, unpack_item
from services.spaces import Space
from tests.indexer.builders import OTHER_SPACE, SPACE, counted_bytes, definition, record
from tests.indexer.test_index import TINY, nothing, version
from tests.indexer.test_shelf import SOON_S, Catalogues, Troubled, contents, write
from tests.indexer.worlds import catalogue_in_memory, monotonic

PLACE, OTHER_PLACE = f"{SPACE.name}.0", f"{OTHER_SPACE.name}.1"


class Clock:
    def __init__(self) -> None:
        self.now_s = 1e9

    def __call__(self) -> float:
        return self.now_s


class House:
    """Shelves over one record and one folder, opened one after the other."""

    def __init__(self, folder: Path, partitions: int = 2) -> None:
        self.folder = folder
        self.clock = Clock()
        self.snapshots = Snapshots(folder, counted_bytes(), self.clock)
        self.record = Troubled(catalogue_in_memory(partitions))
        self.refusals: list[str] = []
        self.keeper = self.new_keeper()
        self._open: list[Shelf] = []

    def new_keeper(self) -> Keeper:
        def refused(catalogue: str, folder: Path, why: str) -> None:
            self.refusals.append(f"{catalogue} {folder.name}: {why}")

        return Keeper(self.snapshots, load, Rules(every_s=60, least_rows=4), refused, self.clock)

    def shelf(self) -> Shelf:
        """A process begins, and the one before has ended."""
        self.close()
        self.keeper = self.new_keeper()
        shelf = Shelf(self.record, make, lambda _, __: None, self.keeper.restore, clock=monotonic)
        self._open.append(shelf)
        shelf.start()
        return shelf

    def places(self) -> set[str]:
        """Of which spaces there are snapshots, whole ones or not."""
        return {path.parent.name for path in self.folder.glob("*/*/*")}

    def later(self) -> None:
        """So much that what has been written until now is old."""
        newest = max(path.stat().st_mtime for path in self.folder.glob("*/*"))
        self.clock.now_s = newest + 2 * ABANDONED_S

    def close(self) -> None:
        for shelf in self._open:
            shelf.stop()
            shelf.join(SOON_S)
        self._open.clear()


def make(of: Definition, space: Space) -> Index:
    return FaissIndex(space, of.partitions, pack_item, TINY)


def load(of: Definition, space: Space, folder: Path, proceed: Proceed) -> Index:
    return FaissIndex.load(folder, space, of.partitions, Forms(pack_item, unpack_item), TINY, proceed=proceed)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    opened = House(tmp_path / "snapshots")
    yield opened
    opened.close()


def filled(house: House, count: int = 40) -> Shelf:
    shelf = house.shelf()
    version = write(house.record, *(record(f"item-{n}", n) for n in range(count)))
    assert shelf.reach(version, SOON_S)
    for index in shelf.indexes.values():
        while index.settle(nothing) or index.merge(nothing) or index.link(nothing):
            pass
    return shelf


def test_a_restart_reads_the_snapshot_and_the_rest_of_the_log_and_nothing_else(house: House) -> None:
    shelf = filled(house)
    assert house.keeper.save(shelf, nothing) == 1
    version = write(house.record, record("late", 99), record("item-3", 77), removed=["item-5"])
    assert shelf.reach(version, SOON_S)
    scans = house.record.scans
    again = house.shelf()
    expected = sorted([f"item-{n}" for n in range(40) if n != 5] + ["late"])
    assert contents(again, version) == expected
    assert house.record.scans == scans
    assert again.ready


def test_a_log_that_was_trimmed_meanwhile_costs_a_reading_of_the_record(house: House) -> None:
    shelf = filled(house)
    house.keeper.save(shelf, nothing)
    house.close()
    version = write(house.record, record("late", 99), removed=["item-5"])
    house.record.lost.set()
    scans = house.record.scans
    assert contents(house.shelf(), version) == sorted([f"item-{n}" for n in range(40) if n != 5] + ["late"])
    assert house.record.scans > scans


def test_a_snapshot_that_cannot_be_read_is_named_and_the_one_before_it_serves(house: House) -> None:
    shelf = filled(house)
    house.keeper.save(shelf, nothing)
    version = write(house.record, record("late", 99))
    assert shelf.reach(version, SOON_S)
    house.keeper.save(shelf, nothing)
    newest = house.snapshots.found("shop.00112233", PLACE)[0]
    (newest / "part-0" / "starts.npy").unlink()
    scans = house.record.scans
    assert "late" in contents(house.shelf(), version)
    assert house.record.scans == scans
    assert house.refusals == ["shop 2: part-0/starts.npy is not as it was written"]


def test_without_any_snapshot_the_record_is_read(house: House) -> None:
    shelf = filled(house)
    house.keeper.save(shelf, nothing)
    for folder in house.snapshots.found("shop.00112233", PLACE):
        shutil.rmtree(folder / "fresh")
    version = write(house.record, record("late", 99))
    assert len(contents(house.shelf(), version)) == 41
    assert len(house.refusals) == 1


def test_a_record_that_does_not_answer_at_the_start_is_waited_for(house: House) -> None:
    shelf = filled(house)
    house.keeper.save(shelf, nothing)
    house.record.unreachable.set()
    again = house.shelf()
    assert not again.wait_until_ready(0.05)
    house.record.unreachable.clear()
    assert again.wait_until_ready(SOON_S)
    assert len(again.indexes[SPACE.name].item_ids()) == 40


class TestWhatIsDue:
    def test_a_snapshot_is_written_when_something_changed_and_the_last_is_old_enough(self, house: House) -> None:
        shelf = filled(house)
        assert house.keeper.save_what_is_due(shelf, nothing) == 1
        house.clock.now_s = 4e9
        assert house.keeper.save_what_is_due(shelf, nothing) == 0, "nothing changed"
        assert shelf.reach(write(house.record, record("late", 99)), SOON_S)
        house.clock.now_s = 0
        assert house.keeper.save_what_is_due(shelf, nothing) == 0, "it is too soon"
        house.clock.now_s = 4e9
        assert house.keeper.save_what_is_due(shelf, nothing) == 1

    def test_a_small_index_is_not_worth_one(self, house: House) -> None:
        assert house.keeper.save_what_is_due(filled(house, 3), nothing) == 0

    def test_a_restored_index_is_not_written_again_before_it_changes(self, house: House) -> None:
        house.keeper.save(filled(house), nothing)
        again = house.shelf()
        assert again.wait_until_ready(SOON_S)
        house.clock.now_s = 4e9
        assert house.keeper.save_what_is_due(again, nothing) == 0


def full(draft: Path) -> Moved:
    (draft / "all").write_bytes(b"all")
    return lambda _: None


class TestSnapshots:
    def test_one_that_cannot_be_written_leaves_nothing_behind(self, tmp_path: Path) -> None:
        snapshots = Snapshots(tmp_path, counted_bytes(), Clock())

        def fail(draft: Path) -> None:
            (draft / "half").write_bytes(b"half")
            raise OSError(28, "No space left on device")

        with pytest.raises(OSError, match="No space left"):
            snapshots.write("shop.1", SPACE.name, fail)
        assert list((tmp_path / "shop.1" / SPACE.name).iterdir()) == []

    def test_the_newest_stay(self, tmp_path: Path) -> None:
        snapshots = Snapshots(tmp_path, counted_bytes(), Clock())
        for _ in range(KEPT + 2):
            snapshots.write("shop.1", SPACE.name, full)
        assert [path.name for path in snapshots.found("shop.1", SPACE.name)] == ["4", "3"]
        snapshots.remove("shop.1")
        assert snapshots.found("shop.1", SPACE.name) == []

    def test_of_two_processes_that_write_at_once_each_gets_a_number_of_its_own(self, tmp_path: Path) -> None:
        mine, other = (Snapshots(tmp_path, counted_bytes(first), Clock()) for first in (1, 9))
        where: list[Path] = []

        def slow(draft: Path) -> Moved:
            other.write("shop.1", SPACE.name, full)
            (draft / "mine").write_bytes(b"mine")
            return where.append

        mine.write("shop.1", SPACE.name, slow)
        assert [path.name for path in where] == ["2"]
        assert [sorted(path.name for path in one.iterdir()) for one in mine.found("shop.1", SPACE.name)] == [
            ["mine"],
            ["all"],
        ]

    def test_who_finds_a_number_taken_at_the_last_moment_takes_the_next(self, tmp_path: Path) -> None:
        other = Snapshots(tmp_path, counted_bytes(9), Clock())

        class Late(Snapshots):
            """Others write between its choice of a number and its use."""

            def _next(self, catalogue: str, space: str) -> int:
                chosen = super()._next(catalogue, space)
                if chosen <= 2:
                    other.write(catalogue, space, full)
                return chosen

        written = Late(tmp_path, counted_bytes(), Clock()).write("shop.1", SPACE.name, full)
        assert written
        assert written.name == "3"

    def test_replicas_that_share_a_folder_never_link_what_the_other_wrote(self, tmp_path: Path) -> None:
        """They read the log in another order, so the rows of their parts stand otherwise, in files of the same size."""
        parts = IndexTuning(fresh_rows=8, small_rows=10_000)
        mine, theirs = (FaissIndex(SPACE, 1, pack_item, parts) for _ in range(2))
        for index, numbers in ((mine, range(60)), (theirs, range(59, -1, -1))):
            index.apply([record(f"item-{n:02}", n) for n in numbers], (), version(1))
            assert index.settle(nothing)
        here, there = (Snapshots(tmp_path, counted_bytes(first), Clock()) for first in (1, 9))

        def overtaken(draft: Path) -> Moved | None:
            moved = mine.save(draft, nothing)
            there.write("shop.1", SPACE.name, lambda other: theirs.save(other, nothing))
            return moved

        assert here.write("shop.1", SPACE.name, overtaken)
        mine.apply((), [f"item-{n:02}" for n in range(10)], version(2))
        newest = here.write("shop.1", SPACE.name, lambda draft: mine.save(draft, nothing))
        assert newest
        again = FaissIndex.load(newest, SPACE, 1, Forms(pack_item, unpack_item), parts, proceed=nothing)
        assert sorted(again.item_ids()) == [f"item-{n:02}" for n in range(10, 60)]

    def test_what_belongs_to_nothing_any_more_is_swept_away_when_it_is_old(self, tmp_path: Path) -> None:
        clock = Clock()
        snapshots = Snapshots(tmp_path, counted_bytes(), clock)
        for catalogue, place in [("shop.1", "a.0"), ("shop.1", "b.1"), ("unread.1", "c.0"), ("gone.1", "a.0")]:
            snapshots.write(catalogue, place, full)
        wanted = {"shop.1": {"a.0"}, "unread.1": None}

        def left() -> list[str]:
            return sorted(str(path.relative_to(tmp_path)) for path in tmp_path.glob("*/*"))

        clock.now_s = (tmp_path / "gone.1").stat().st_mtime + ABANDONED_S - 10
        snapshots.sweep(wanted)
        assert len(left()) == 4
        clock.now_s += 20
        snapshots.sweep(wanted)
        assert left() == ["shop.1/a.0", "unread.1/c.0"]
        # Emptied just now, so it goes an hour later.
        clock.now_s += ABANDONED_S
        snapshots.sweep(wanted)
        assert not (tmp_path / "gone.1").exists()

    def test_what_a_process_left_half_written_is_cleared_away_when_it_is_old(self, tmp_path: Path) -> None:
        clock = Clock()
        snapshots = Snapshots(tmp_path, counted_bytes(), clock)
        half = tmp_path / "shop.1" / SPACE.name / ".7.0badcafe"
        half.mkdir(parents=True)
        clock.now_s = half.stat().st_mtime + ABANDONED_S - 10
        snapshots.write("shop.1", SPACE.name, lambda _: None)
        assert half.exists()
        clock.now_s += 20
        snapshots.write("shop.1", SPACE.name, lambda _: None)
        assert not half.exists()
        assert snapshots.found("shop.1", SPACE.name) == []


def test_a_catalogue_that_is_deleted_takes_its_snapshots_along(house: House, tmp_path: Path) -> None:
    catalogues = Catalogues(counted_bytes())
    shelves = Shelves(catalogues, make, lambda _, __: None, lambda _: None, monotonic, keeper=house.keeper)
    shelves.create(definition(), None)
    shelf = shelves.get("shop")
    assert shelf.wait_until_ready(SOON_S)
    house.keeper.save(shelf, nothing)
    assert (tmp_path / "snapshots" / "shop.00112233").exists()
    shelves.delete("shop")
    assert not (tmp_path / "snapshots" / "shop.00112233").exists()
    shelves.close()


def test_a_snapshot_that_is_written_while_its_catalogue_is_deleted_does_not_stay(house: House) -> None:
    shelf = filled(house)

    def forget() -> None:
        if list(house.folder.glob("*/*/.*")):
            house.keeper.forget(shelf.definition)

    assert house.keeper.save(shelf, forget) == 0
    assert list(house.folder.iterdir()) == []


def test_a_snapshot_that_is_there_just_after_its_catalogue_was_forgotten_goes_too(house: House) -> None:
    """Whoever forgets does not wait for who writes, so who writes looks again."""
    shelf = filled(house)

    class Slow(Snapshots):
        def write(self, catalogue: str, space: str, write: Write) -> Path | None:
            written = super().write(catalogue, space, write)
            aside = house.folder.rename(house.folder.with_name("aside"))
            house.keeper.forget(shelf.definition)
            aside.rename(house.folder)
            return written

    house.snapshots = Slow(house.folder, counted_bytes(), house.clock)
    house.keeper = house.new_keeper()
    assert house.keeper.save(shelf, nothing) == 0
    assert list(house.folder.iterdir()) == []


class TestASpaceThatIsDeleted:
    @pytest.fixture
    def shelf(self, house: House) -> Shelf:
        """With a second space."""
        shelf = filled(house)
        self.arrange(house, shelf, house.record.layout().adding(OTHER_SPACE))
        return shelf

    def arrange(self, house: House, shelf: Shelf, layout: Layout) -> None:
        mark = house.record.relayout(house.record.layout(), layout)
        assert shelf.reach(Version.nothing(2).reaching(0, mark), SOON_S)

    @pytest.mark.parametrize("at", [PLACE, OTHER_PLACE])
    def test_leaves_no_snapshot_that_was_under_way_or_to_come(self, house: House, shelf: Shelf, at: str) -> None:
        """Nor one that a space of the same name, made since, could be taken for."""
        own = house.record.layout().dropping(OTHER_SPACE.name)

        def drop() -> None:
            if house.record.layout().revision == 1 and list(house.folder.glob(f"*/{at}/.*")):
                self.arrange(house, shelf, own)
                self.arrange(house, shelf, own.adding(OTHER_SPACE))

        assert house.keeper.save(shelf, drop) == 1
        assert house.places() == {PLACE}
        assert house.keeper.save(shelf, nothing) == 2
        assert house.places() == {PLACE, f"{OTHER_SPACE.name}.3"}

    def test_loses_its_snapshots_when_they_are_old(self, house: House, shelf: Shelf) -> None:
        house.keeper.save(shelf, nothing)
        assert house.places() == {PLACE, OTHER_PLACE}
        self.arrange(house, shelf, house.record.layout().dropping(OTHER_SPACE.name))
        house.later()
        house.keeper.sweep([shelf])
        assert house.places() == {PLACE}


def test_a_catalogue_that_was_deleted_while_nobody_looked_loses_its_snapshots_when_they_are_old(house: House) -> None:
    house.keeper.save(filled(house), nothing)
    house.close()
    keeper = house.new_keeper()
    keeper.sweep([])
    assert house.places() == {PLACE}, "another replica may have made it just now"
    house.later()
    keeper.sweep([])
    assert house.places() == set()


def test_nothing_is_taken_for_gone_that_has_not_been_looked_for_yet(house: House) -> None:
    catalogues = Catalogues(counted_bytes())
    catalogues.create(definition(), None)
    house.snapshots.write("shop.00112233", PLACE, full)
    house.later()

    class Beginning(Shelves):
        """The first look ends just after the shelves were listed."""

        def all(self) -> list[Shelf]:
            found = super().all()
            self.look()
            return found

    shelves = Beginning(catalogues, make, lambda _, __: None, lambda _: None, monotonic, keeper=house.keeper)
    shelves._save()
    assert house.places() == {PLACE}
    shelves.close()


def test_a_catalogue_that_its_followers_found_deleted_is_not_saved_any_more(house: House) -> None:
    """Though nobody has taken its shelf away yet."""
    shelf = filled(house)
    house.record.deleted.set()
    assert shelf.reach(Version((Mark(b"never", Position(1, 0)),) * 2), SOON_S)
    assert shelf.gone
    assert house.keeper.save(shelf, nothing) == 0
    assert house.places() == set()


def test_past_the_ceiling_writers_are_told_what_to_do_until_there_is_room(house: House) -> None:
    catalogues = Catalogues(counted_bytes())
    shelves = Shelves(catalogues, make, lambda _, __: None, lambda _: None, monotonic, max_bytes=40_000)
    shelves.create(definition(), None)
    shelf = shelves.get("shop")
    shop: Catalogue = shelf.catalogue
    shelves.require_memory(0)
    assert shelf.reach(write(shop, *(record(f"item-{n}", n) for n in range(40))), SOON_S)
    with pytest.raises(Overloaded, match="delete items, or give the indexer more memory") as refused:
        shelves.require_memory(0)
    assert refused.value.reason == "INDEX_MEMORY"
    assert shelf.reach(write(shop, removed=[f"item-{n}" for n in range(40)]), SOON_S)
    shelf.indexes[SPACE.name].rebuild(nothing)
    shelves.require_memory(0)
    shelves.close()


def test_links_that_were_made_since_are_worth_a_snapshot(house: House) -> None:
    """No version tells of them, but a restart would have to make them again."""
    shelf = house.shelf()
    assert shelf.reach(write(house.record, *(record(f"item-{n}", n) for n in range(80))), SOON_S)
    (index,) = shelf.indexes.values()
    while index.settle(nothing) or index.merge(nothing):
        pass
    assert house.keeper.save_what_is_due(shelf, nothing) == 1
    assert index.link(nothing)
    house.clock.now_s = 4e9
    assert house.keeper.save_what_is_due(shelf, nothing) == 1
    again = house.shelf()
    assert again.wait_until_ready(SOON_S)
    assert again.indexes[SPACE.name].view().linked == index.view().linked > 0
