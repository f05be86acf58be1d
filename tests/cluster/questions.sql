-- What the rules of the translation are asked: each question on literal rows, answered alike by DuckDB and by the engine
-- (test_rules.py). The comment above a question names it.

-- whole numbers divided
select 7 / 2 as x, 1 / 3 as y, 7 // 2 as z;

-- division by zero is infinite
select 1 / 0 as x, a / b as y from (values (1, 0), (-1, 0), (null, 0), (3, 2)) as t (a, b);

-- NULLs come last
select a, row_number() over (order by a) as n, row_number() over (order by a desc) as m
from (values (2), (null), (1)) as t (a);

-- NULLs first where it says so
select a, row_number() over (order by a nulls first) as n from (values (2), (null), (1)) as t (a);

-- the largest is not NULL
select max(a) as x, min(a) as y, greatest(1, null, 3) as z from (values (2), (null)) as t (a);

-- a list of rows is sorted, and NULL where there is none
select k, list(distinct a order by a) filter (where a > 'a') as l
from (values (1, 'c'), (1, 'b'), (1, 'c'), (2, 'a')) as t (k, a)
group by k;

-- what is before in a window
select b, flatten(list(a) over (order by b rows between unbounded preceding and 1 preceding)) as l
from (select string_split(t, ';') as a, b
from (values ('x', 1), ('y;z', 2)) as v (t, b)) as t;

-- lists counted, also NULL
select len(l) as n, length(t) as m
from (select string_split(t, ';') as l, t
from (values ('a;b'), (null)) as v (t)) as t;

-- an element by its place
select l[1] as a, l[3] as b
from (select string_split(t, ';') as l
from (values ('x;y'), (null)) as v (t)) as t;

-- a part of a list
select list_slice(l, 2, 3) as a, list_slice(l, 3, 2) as b
from (select string_split(t, ';') as l
from (values ('x;y;z')) as v (t)) as t;

-- distinct elements, without NULL
select list_sort(list_distinct(['b', null, 'a', 'b'])) as l;

-- lists that share all or any
select list_has_all(a, b) as x, list_has_any(a, b) as y, list_contains(a, 'x') as z
from (select string_split(p, ';') as a, string_split(q, ';') as b
from (values ('x;y', 'x'), ('x', 'z;x'), ('y', 'z'), (null, 'z'), ('z', null)) as v (p, q)) as t;

-- elements kept and changed
select list_transform(list_filter([3, null, 1], x -> x is not null), x -> x + 1) as l, list_min([2, 1]) as a, list_max([2, 1]) as b;

-- a list as a text
select array_to_string(['a', 'b'], ';') as x, array_to_string(cast(null as varchar[]), ';') as y;

-- one literal list beside another
select case when a is null then ['not_stated'] else string_split(a, ';') end as l
from (values ('x;y'), (null)) as t (a);

-- texts joined in the order of several keys
select k, string_agg(a, ' | ' order by b, a) as x
from (values (1, 'c', 1), (1, 'b', null), (1, 'a', 2), (1, null, 0), (2, null, 1)) as t (k, a, b)
group by k;

-- texts joined under a condition, beside distinct counts
select string_agg(distinct a, '; ' order by a) filter (where b = 1) as x, count(distinct a) as n
from (values ('c', 1), ('b', 1), ('c', 1), ('a', 2)) as t (a, b);

-- the least by several keys
select arg_min(a, (b, c)) as x, arg_max(a, (b, c)) as y
from (values ('p', 1, 2), ('q', 1, 1), ('r', 2, 0)) as t (a, b, c);

-- the last that is not NULL
select b, last_value(a ignore nulls) over (order by b rows between unbounded preceding and 1 preceding) as x
from (values (1, 1), (null, 2), (3, 3)) as t (a, b);

-- rows of a qualified window
select a, b
from (values ('x', 1), ('x', 2), ('y', 5)) as t (a, b)
qualify b > 0 and row_number() over (partition by a order by b desc) = 1;

-- one qualified select in another
select a
from (select *
from (values ('x', 1), ('x', 2), ('y', 5)) as t (a, b)
qualify row_number() over (partition by a order by b) = 1) as s
where b < 9
qualify row_number() over (order by a desc) = 1;

-- a list taken apart in a select
select k, unnest(l) as e, generate_subscripts(l, 1) as n
from (select k, string_split(t, ';') as l
from (values (1, 'a;b'), (2, null), (3, 'c')) as v (k, t)) as t;

-- a list taken apart beside other tables
select t.k, parts.part, n.m
from (values (1, 'a;b'), (2, null)) as t (k, x)
cross join unnest(string_split(t.x, ';')) as parts (part)
inner join (values ('b', 7)) as n (part, m) on parts.part = n.part;

-- no row of a NULL list
select parts.part
from (values ('a;b'), (null)) as t (x)
cross join unnest(string_split(t.x, ';')) as parts (part);

-- fields of an element
select e.k as k, e.v as v
from (select unnest(l) as e
from (select [{'k': 1, 'v': a}, {'k': 2, 'v': null}] as l
from (values ('x')) as v (a)) as s) as t;

-- grouped by all that is no aggregate
select a, 'x' as c, lower(b) as b, count(*) as n
from (values (1, 'P'), (1, 'p'), (2, 'q')) as t (a, b)
group by all;

-- a CASE of a literal and a double
select case when a is null then 0 else a end as x from (values (2.5::double), (null)) as t (a);

-- decimal literals and doubles
select a + 0.1 as x, 1 - 0.000001 as y, 1.5 * a as z from (values (0.2::double)) as t (a);

-- a hexadecimal text
select cast(('0x' || substr(md5('a'), 1, 6)) as integer) % 1000 as x;

-- days between, and years
select date_diff('day', a, b) as d, extract(year from b) as y
from (values (date '2020-02-28', date '2020-03-01')) as t (a, b);

-- texts read as dates and numbers
select cast('2020-01-05' as date) as d, cast('2.50' as double) as x, try_cast('a' as integer) as n;

-- split at a text that is a pattern elsewhere
select string_split('a.b|c', '.') as x, string_split('a|b', '|') as y;

-- split at a pattern
select string_split_regex('lung and liver,bone', '[;,/+&|]|\band\b') as x;

-- a word's boundary is ASCII's
select regexp_replace('mét mets metsé', '\bmets\b', 'X', 'g') as x;

-- a space is ASCII's
select regexp_replace('a b c', '\s', '_', 'g') as x;

-- groups put in again
select regexp_replace('sites 12', '([a-z]+)s (\d)', '\2$\1', 'g') as x;

-- a backslash and a quote
select regexp_replace('it''s a\b', '\\', '/', 'g') as x, 'a\n' as y;

-- a class of its own
select regexp_extract('specimen a1: ', '([a-z0-9]+)\W*$', 1) as x, regexp_extract('ab]c', '[]c]+', 0) as y;

-- the end is the very end
select regexp_matches('a
', 'a$') as x, regexp_matches('a', 'a$') as y, regexp_full_match('ab', 'a|ab') as z;

-- letter case
select regexp_matches('ÉTÉ', '(?i)été') as x;
