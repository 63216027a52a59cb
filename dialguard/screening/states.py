"""The 56 states and territories as a map of equal tiles: their names, and where each tile lies."""

from __future__ import annotations

from types import MappingProxyType

_ROWS = (
    "..  ..  ..  ..  ..  ..  ..  ..  ..  ..  ME",
    "AK  ..  ..  ..  ..  ..  ..  ..  ..  VT  NH",
    "WA  ID  MT  ND  MN  WI  MI  ..  NY  MA  RI",
    "OR  NV  WY  SD  IA  IL  IN  OH  PA  NJ  CT",
    "CA  UT  CO  NE  MO  KY  WV  VA  MD  DE  ..",
    "..  AZ  NM  KS  AR  TN  NC  SC  DC  ..  ..",
    "..  ..  ..  OK  LA  MS  AL  GA  ..  ..  ..",
    "HI  ..  ..  TX  ..  ..  ..  ..  FL  ..  ..",
    "GU  MP  AS  ..  ..  ..  ..  ..  ..  PR  VI",
)

TILES = MappingProxyType(
    {code: (column, row) for row, line in enumerate(_ROWS) for column, code in enumerate(line.split()) if code != ".."}
)
"""Column from the west and row from the north of each USPS code, from 0; an equal tile each, in about its place."""

COLUMNS, ROWS = 11, len(_ROWS)

NAMES = MappingProxyType({
    "AK": "Alaska", "AL": "Alabama", "AR": "Arkansas", "AS": "American Samoa", "AZ": "Arizona", "CA": "California", "CO": "Colorado",
    "CT": "Connecticut", "DC": "District of Columbia", "DE": "Delaware", "FL": "Florida", "GA": "Georgia", "GU": "Guam", "HI": "Hawaii",
    "IA": "Iowa", "ID": "Idaho", "IL": "Illinois", "IN": "Indiana", "KS": "Kansas", "KY": "Kentucky", "LA": "Louisiana",
    "MA": "Massachusetts", "MD": "Maryland", "ME": "Maine", "MI": "Michigan", "MN": "Minnesota", "MO": "Missouri",
    "MP": "Northern Mariana Islands", "MS": "Mississippi", "MT": "Montana", "NC": "North Carolina", "ND": "North Dakota",
    "NE": "Nebraska", "NH": "New Hampshire", "NJ": "New Jersey", "NM": "New Mexico", "NV": "Nevada", "NY": "New York", "OH": "Ohio",
    "OK": "Oklahoma", "OR": "Oregon", "PA": "Pennsylvania", "PR": "Puerto Rico", "RI": "Rhode Island", "SC": "South Carolina",
    "SD": "South Dakota", "TN": "Tennessee", "TX": "Texas", "UT": "Utah", "VA": "Virginia", "VI": "U.S. Virgin Islands", "VT": "Vermont",
    "WA": "Washington", "WI": "Wisconsin", "WV": "West Virginia", "WY": "Wyoming",
})  # fmt: skip
"""What a reader calls each of them."""
