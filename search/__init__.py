"""Search: the letter a clerk remembers, in an index nobody else can read."""

from search.finding import Filters, Hit, SearchResult, find
from search.index import CompartmentIndex
from search.likeness import query_like
from search.parser import parse_query
from search.query import Query

__part_of__ = "poststelle"

__all__ = ["CompartmentIndex", "Filters", "Hit", "Query", "SearchResult", "find", "parse_query", "query_like"]
