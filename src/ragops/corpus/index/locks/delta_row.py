"""The row of a publish lock in a Delta table, whose commits succeed or conflict across all machines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import ValidationError

from ragops.corpus.index.locks.interface import Owner
from ragops.errors import needing
from ragops.platform.merge import CONFLICT
from ragops.platform.tables import Column, Table, quoted

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from ragops.platform.workspace import Workspace

LOCKS = Table(
    name="index_locks",
    comment="The present publisher of each index, and its live generation. Commits to this table exclude each other.",
    key="index_name",
    columns=(
        Column("index_name", "STRING", "The index."),
        Column("token", "STRING", "Identifies the present owner; empty while the lock is free."),
        Column("owner", "STRING", "The present or last owner, as JSON."),
        Column("renewals", "BIGINT", "Grows with every change; at least every 20 seconds while the owner is alive."),
        Column("last_number", "BIGINT", "The highest generation number assigned."),
        Column("pointer", "STRING", "The pointer to the live generation as JSON; empty before the first."),
        Column("condemned", "STRING", "Generations that are being removed, separated by blanks."),
        Column("renewed_at", "TIMESTAMP", "When the row last changed, by its owner's clock."),
    ),
)


@dataclass(frozen=True, slots=True)
class RowState:
    """The row's values."""

    token: str = ""
    owner: str = ""
    renewals: int = 0
    last_number: int = 0
    pointer: str = ""
    condemned: str = ""

    @property
    def hold(self) -> tuple[str, int]:
        """A value that changes with every owner and every renewal."""
        return self.token, self.renewals

    @property
    def reported_owner(self) -> Owner | str:
        """The present or last owner of the lock."""
        try:
            return Owner.model_validate_json(self.owner)
        except ValidationError:
            return "another run"


class DeltaRow:
    """The row of one index."""

    def __init__(self, workspace: Workspace, index: str) -> None:
        """`index` is the row's key."""
        self.index = index
        self._workspace, self._table = workspace, workspace.table(LOCKS.name)

    def make(self) -> None:
        """Creates the table and the row if they do not exist."""
        LOCKS.create(self._workspace)
        if not self._find().collect():
            columns = "index_name, token, owner, renewals, last_number, pointer, condemned, renewed_at"
            self._commit(
                f"MERGE INTO {self._table} t USING (SELECT {quoted(self.index)} AS index_name) s "
                f"ON t.index_name = s.index_name WHEN NOT MATCHED THEN INSERT ({columns}) "
                "VALUES (s.index_name, '', '', 0, 0, '', '', current_timestamp())"
            )

    def read(self) -> RowState:
        """The row's present values."""
        return RowState(**self._find().collect()[0].asDict())

    def change(self, found: RowState, /, **values: str | int) -> bool:
        """Changes the row if it is still as `found`; False if another commit came first."""
        return self._update(f"token = {quoted(found.token)} AND renewals = {found.renewals}", values)

    def change_own(self, token: str, /, **values: str | int) -> bool:
        """Changes the row if it still has this token; False if it does not, or another commit came in between."""
        return self._update(f"token = {quoted(token)}", values)

    def _update(self, condition: str, values: dict[str, str | int]) -> bool:
        result = {name: quoted(value) if isinstance(value, str) else str(value) for name, value in values.items()}
        result |= {"renewals": "renewals + 1", "renewed_at": "current_timestamp()"}
        assignments = ", ".join(f"{name} = {value}" for name, value in result.items())
        return self._commit(
            f"UPDATE {self._table} SET {assignments} WHERE index_name = {quoted(self.index)} AND {condition}"
        )

    def _find(self) -> DataFrame:
        row = self._workspace.spark.table(self._table).where(f"index_name = {quoted(self.index)}")
        return row.select("token", "owner", "renewals", "last_number", "pointer", "condemned")

    def _commit(self, statement: str) -> bool:
        from pyspark.errors import PySparkException

        try:
            with needing("MODIFY and SELECT", f"table {self._workspace.registered(LOCKS.name)}"):
                done = self._workspace.spark.sql(statement).collect()[0]
        except PySparkException as error:
            # Only the message: some servers append a Java stack trace, which may contain any words.
            if not CONFLICT.search(str(error).strip().partition("\n")[0]):
                raise
            return False
        return int(done["num_affected_rows"]) > 0
