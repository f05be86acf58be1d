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

-- letters that are two when large, or another at a word's end
select t, lower(t) as l, upper(t) as u, lower(upper(t)) as x
from (values ('éàß'), ('Übergröße'), ('İΣΑΣ'), ('proﬁle'), (''), (null)) as v (t);

-- bytes between two words
select levenshtein('kitten', 'sitting') as a, levenshtein('é', 'e') as b, levenshtein('', 'ab') as c;

-- texts tried as whole numbers
select try_cast(t as integer) as b
from (values ('2'), (' 3 '), ('+4'), ('-2.5'), ('2.5'), ('1e2'), ('x'), (''), ('1d'), ('inf'), ('99999999999'), (null)) as v (t);

-- like with a backslash and an underscore
select t like '%_at_margin' as a, t like 'a\_b' as b, t like '%' as c, t ilike 'A%' as d
from (values ('liver_at_margin'), ('_at_margin'), ('a_b'), ('a\xb'), (null)) as v (t);

-- lists with a NULL within
select list_contains(l, 'a') as a, list_contains(l, 'z') as b, len(l) as n, array_to_string(l, ';') as t, list_has_any(l, ['a']) as c,
    list_has_all(l, ['a']) as d, list_sort(l) as e, list_sort(list_distinct(l)) as f
from (select list_transform(string_split(t, ';'), e -> nullif(e, 'n')) as l
from (values ('a;n'), ('n'), ('b;n;a'), (null)) as v (t)) as s;

-- an empty list
select len(l) as n, l[1] as a, list_min(l) as b, array_to_string(l, ';') as c, list_contains(l, 'x') as d, list_sort(l) as e
from (select list_filter(string_split(t, ';'), e -> e <> 'x') as l
from (values ('x'), ('x;y')) as v (t)) as s;

-- two lists put together
select list_concat(a, b) as x, len(list_concat(a, b)) as n
from (select string_split(p, ';') as a, string_split(q, ';') as b
from (values ('x', 'y'), ('x', null), (null, 'z'), (null, null)) as v (p, q)) as s;

-- a list of rows with NULL among them
select k, list_sort(list(a)) as l, list_sort(list(a) filter (where a is not null or k = 1)) as m
from (values (1, 'a'), (1, null), (1, 'a'), (2, null)) as v (k, a)
group by k;

-- the least of rows with NULL among them
select arg_min(a, b) as x, arg_max(a, b) as y, arg_min(a, (b, c)) as z, arg_max(a, (b, c)) as w
from (values ('p', null, 1), ('q', 2, 1), (null, 1, 1), ('r', 4, null), ('s', 3, null)) as v (a, b, c);

-- a value in the next column is another row of values
select count(distinct h) as n
from (select hash(a, b) as h
from (values ('a', null), (null, 'a'), ('', 'a'), ('a', ''), (null, null)) as v (a, b)) as s;

-- a text in the order of its bytes
select t, row_number() over (order by t) as n
from (values ('b'), ('B'), ('a'), ('_'), ('é'), ('z'), ('10'), ('9'), ('')) as v (t);

-- composed and decomposed letters are two texts
select a = b as x, length(b) as n from (values ('é', 'é')) as v (a, b);

-- letters from the end, and beyond it
select substr(t, -2) as b, substr(t, 3) as c, substr(t, 9) as d, left(t, 0) as f
from (values ('abcd'), ('')) as v (t);

-- what is NULL in joined texts
select concat(a, 'x', b) as x, a || 'x' || b as y, concat_ws('|', a, b, 'z') as z, trim('. a. :', ' .:') as t, lpad(a, 4, '0') as p
from (values ('p', null), (null, null), ('', 'q'), ('12345', 'q')) as v (a, b);

-- numbers, truths and times as texts
select cast(n as varchar) as a, cast(x as varchar) as b, cast(b as varchar) as c, cast(b as integer) as i, cast(d as varchar) as d,
    cast(t as varchar) as e
from (values (5, 0.5::double, true, date '2020-01-05', timestamp '2020-01-05 10:11:12'), (-3, 12.0::double, null, null, null))
    as v (n, x, b, d, t);

-- rounded halves
select round(x) as b, floor(x) as c, round(x, 4) as d
from (values (2.5::double), (3.5::double), (-2.5::double), (1.00005::double), (2.67565::double)) as v (x);

-- remainders and whole divisions
select -7 % 3 as a, 7 % -3 as b, -7 // 2 as c, a // nullif(b, 0) as x, a % nullif(b, 0) as y
from (values (7, 0), (7, 2)) as v (a, b);

-- integers of 64 bits without a sign, and of 128
select cast(t as ubigint) as a, cast(t as hugeint) as b, cast(t as hugeint) + 1 as c, cast(null as ubigint) as d
from (values ('0'), ('9223372036854775808'), ('18446744073709551615'), (null)) as v (t);

-- sums have room
select sum(n) as s, count(n) as c, cast(max(n) as bigint) * 1000000 as p
from (values (2147483647), (2147483647), (null)) as v (n);

-- nothing summed up, and truths of NULL
select sum(n) as s, count(*) as c, bool_or(n > 1) as a, bool_and(n is null) as b, median(n) as m
from (values (1), (null)) as v (n)
where n > 5 or n is null;

-- truths of three kinds
select a and b as x, a or b as y, not a as z, a is not true as u, a is distinct from b as w
from (values (true, null), (false, null), (null, null), (true, false)) as v (a, b);

-- in and not in with NULL
select a, a in (1, null) as x from (values (1), (2), (null)) as v (a)
where a not in (select b from (values (2), (3)) as w (b)) or a is null;

-- days added, and parts of a date
select d + 3 as a, d - 1 as b, date_diff('day', d, d2) as c, extract(month from d) as m, d < cast(d2 as timestamp) as x
from (values (date '2020-02-28', date '2021-03-01')) as v (d, d2);

-- days between times are those of the calendar
select date_diff('day', t, u) as d, cast(t as date) as a
from (values (timestamp '2020-01-01 23:00:00', timestamp '2020-01-02 01:00:00')) as v (t, u);

-- places in order, with ties and NULL
select a, rank() over (order by a desc) as r, dense_rank() over (order by a desc) as d, lag(a) over (order by a) as p,
    lead(a, 1, 99) over (order by a) as n, sum(a) over (order by a) as s
from (values (1), (2), (2), (null)) as v (a);

-- infinite and not a number
select a > 1 as x, a = a as y, row_number() over (order by a) as n
from (values ('infinity'::double), ('nan'::double), (0.5::double), (null)) as v (a);

-- a CASE of whole numbers and doubles
select case when a > 1 then 1 else 2.5::double end as x, coalesce(a, 2.5::double) as y, case when a > 1 then 1 else 2.5 end as z,
    case a when 1 then 'x' when null then 'y' end as w
from (values (1), (2), (null)) as v (a);

-- backslashes and quotes in a text
select 'a\tb' as a, 'it''s' as b, 'x\\y' as c, length('\n') as n, '50%' as e, '"q"' as f, '`' as g;

-- patterns that find nothing, and groups that take no part
select regexp_extract(t, '([a-z])(\d)', 2) as a, regexp_extract(t, 'zz') as b, regexp_extract(t, '(a)|(b)', 2) as c
from (values ('a1'), ('A'), ('b'), (''), (null)) as v (t);

-- matches that are short or first
select regexp_extract('<<a>>', '<.*?>') as a, regexp_extract('abcd', 'ab|abcd') as b, regexp_replace('baac', 'a+', '-', 'g') as c,
    regexp_matches('a b', 'a\sb') as d, regexp_matches('١', '\d') as e, regexp_matches('STRASSE', '(?i)straße') as f;

-- lines and a dot
select regexp_matches(t, 'a.b') as x, regexp_matches(t, '(?s)a.b') as y, regexp_matches(t, '^b') as z, regexp_matches(t, '(?m)^b') as u
from (values ('a
b')) as v (t);

-- pieces of an empty text
select string_split(t, ';') as a, len(string_split(t, ';')) as n, string_split_regex(t, '[;,]') as b
from (values (''), (';'), ('a;'), (';a'), (null)) as v (t);

-- rows of a list with empty and NULL elements
select k, unnest(l) as e
from (select k, list_transform(string_split(t, ';'), e -> nullif(e, '')) as l
from (values (1, 'a;;b'), (2, ''), (3, null)) as v (k, t)) as s;

-- rows counted and joined with NULL keys
select a.x, b.y, count(*) as n
from (values (1), (2), (null)) as a (x)
left join (values (1, 'p'), (null, 'q')) as b (z, y) on a.x = b.z and b.y = 'p'
group by a.x, b.y;

-- spaces of all kinds at the ends of a text
select nullif(upper(trim('A' || chr(160))), '') as a, nullif(upper(trim(chr(160))), '') as b, length(trim(t)) as c, length(ltrim(t)) as d,
    length(rtrim(t)) as e
from (values ('  x '), ('                　x y                　'), ('                　'), ('	x
'), ('᠎​x﻿'), (''), (null)) as v (t);

-- spaces around numbers
select try_cast(t as integer) as a, try_cast(t as double) as b
from (values (' 3 '), (' 3'), ('3 '), (' 3'), ('	3'), ('3
'), ('3 	
'), ('　3')) as v (t);

-- functions that the models use seldom
select least(a, b) as x, greatest(a, b) as y, abs(a) as z, replace(t, '_', ' ') as u, chr(64 + a) as w, chr(0) as n, t || chr(10) as l
from (values (2, 1, 'a_b__c'), (1, null, '_'), (null, null, null)) as v (a, b, t);

-- the first of a window, and rows that exist
select a, first_value(a) over (order by b) as x, first_value(a ignore nulls) over (order by b) as y, exists (select 1
from (values (1)) as w (c)
where w.c = a) as z
from (values (null, 1), (1, 2), (2, 3)) as v (a, b);
