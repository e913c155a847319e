-- GROUPING SETS, ROLLUP, CUBE; ordered-set aggregates; aggregates of bits and of pairs; aggregates of outer queries.


-- Grouping sets
CREATE TABLE g(a int PRIMARY KEY, b int, c text, v numeric);
INSERT INTO g VALUES (1,1,'x',1.5),(2,1,'y',2),(3,2,'x',3.25),(4,2,NULL,4);
SELECT b,c,GROUPING(b,c),sum(a) FROM g GROUP BY ROLLUP(b,c) ORDER BY 3,1,2,4;
SELECT b,c,GROUPING(b,c),sum(a) FROM g GROUP BY CUBE(b,c) ORDER BY 3,1,2,4;
SELECT b,c,sum(a) FROM g GROUP BY GROUPING SETS((b),(c),()) ORDER BY 1,2;
SELECT b,c,sum(a) FROM g GROUP BY GROUPING SETS(b,ROLLUP(c),GROUPING SETS((b,c),())) ORDER BY 1,2,3;
SELECT b,c,sum(a),count(*) FROM g GROUP BY b, GROUPING SETS((c),()) ORDER BY 1,2,3;
SELECT sum(a) FROM g WHERE FALSE GROUP BY GROUPING SETS((),(b));
SELECT sum(a), count(*) FROM g WHERE FALSE GROUP BY ();
SELECT b, sum(a) FROM g WHERE FALSE GROUP BY ROLLUP(b);
SELECT b,c,sum(a) FROM g GROUP BY DISTINCT ROLLUP(b,c), ROLLUP(b,c) ORDER BY 1,2,3;
SELECT b,c,sum(a) FROM g GROUP BY ROLLUP(b), ROLLUP(b) ORDER BY 1,2,3;
SELECT b, GROUPING(c) FROM g GROUP BY ROLLUP(b);
SELECT GROUPING(b) FROM g;
SELECT GROUPING(b) FROM g GROUP BY b;
SELECT b+1, GROUPING(b+1), sum(a) FROM g GROUP BY ROLLUP(b+1) ORDER BY 1;
SELECT b, sum(a) FROM g GROUP BY ROLLUP((b,c)) ORDER BY 1;
SELECT b, c, sum(a) FROM g GROUP BY CUBE((b,c), b) ORDER BY 1,2,3;
SELECT a, sum(v) FROM g GROUP BY ROLLUP(c);
SELECT b, sum(a) AS s FROM g GROUP BY ROLLUP(b) HAVING GROUPING(b) = 0 ORDER BY b;
SELECT b, sum(a) FROM g GROUP BY ROLLUP(b) HAVING sum(a) > 3 ORDER BY GROUPING(b), b;
SELECT GROUPING(b) + GROUPING(c), b, c FROM g GROUP BY CUBE(b,c) ORDER BY 1,2,3;
SELECT v, count(*) FROM g GROUP BY ROLLUP(v) ORDER BY 1;
SELECT b, count(DISTINCT c), max(v) FROM g GROUP BY ROLLUP(b) ORDER BY b;
SELECT b, (SELECT sum(g2.a) FROM g g2 WHERE g2.b = g.b) FROM g GROUP BY ROLLUP(b) ORDER BY b;
SELECT CASE WHEN GROUPING(b)=1 THEN 'all' ELSE b::text END, sum(a) FROM g GROUP BY ROLLUP(b) ORDER BY 1;
SELECT b, rank() OVER (ORDER BY sum(a)) FROM g GROUP BY ROLLUP(b) ORDER BY 2;
SELECT 1 AS one FROM g GROUP BY ROLLUP(1) ORDER BY 1;
SELECT b AS x, sum(a) FROM g GROUP BY ROLLUP(x) ORDER BY 1;
SELECT b AS x, sum(a) FROM g GROUP BY ROLLUP(1) ORDER BY 1;
SELECT a, b, c FROM g GROUP BY a ORDER BY a;
SELECT a, b, c FROM g GROUP BY ROLLUP(a) ORDER BY 1;
SELECT g1.a, g1.c, count(*) FROM g g1 JOIN g g2 ON g1.b=g2.b GROUP BY g1.a ORDER BY 1;
SELECT b, c FROM g GROUP BY b;
SELECT c FROM g GROUP BY ROLLUP(b);
SELECT GROUPING(a,b,c) FROM g GROUP BY GROUPING SETS((a,b),(c)) ORDER BY 1;
SELECT b FROM g GROUP BY CUBE();
SELECT b FROM g GROUP BY GROUPING SETS();
SELECT sum(GROUPING(b)) FROM g GROUP BY ROLLUP(b);
SELECT b FROM g WHERE GROUPING(b) = 1 GROUP BY b;
SELECT b, sum(a) FILTER (WHERE a > 1) FROM g GROUP BY ROLLUP(b) ORDER BY 1;

-- Ordered-set aggregates
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY a), percentile_disc(0.5) WITHIN GROUP (ORDER BY c), mode() WITHIN GROUP (ORDER BY b) FROM g;
SELECT percentile_cont(0.25) WITHIN GROUP (ORDER BY v), percentile_cont(0.5) WITHIN GROUP (ORDER BY a::float8 DESC), percentile_cont(0.5) WITHIN GROUP (ORDER BY interval '1 day' * a) FROM g;
SELECT percentile_cont(1.5) WITHIN GROUP (ORDER BY a) FROM g;
SELECT percentile_cont(NULL) WITHIN GROUP (ORDER BY a) FROM g;
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY a) FROM g WHERE FALSE;
SELECT percentile_disc('NaN'::float8) WITHIN GROUP (ORDER BY a) FROM g;
SELECT rank(3) WITHIN GROUP (ORDER BY a), dense_rank(3) WITHIN GROUP (ORDER BY a DESC), percent_rank(3) WITHIN GROUP (ORDER BY a), cume_dist(3) WITHIN GROUP (ORDER BY a) FROM g;
SELECT rank(1,'y') WITHIN GROUP (ORDER BY b, c) FROM g;
SELECT rank(1) WITHIN GROUP (ORDER BY b, c) FROM g;
SELECT rank('y') WITHIN GROUP (ORDER BY c DESC NULLS LAST) FROM g;
SELECT rank(NULL) WITHIN GROUP (ORDER BY c) FROM g;
SELECT rank(3) WITHIN GROUP (ORDER BY a) FROM g WHERE FALSE;
SELECT b, mode() WITHIN GROUP (ORDER BY c) FROM g GROUP BY b ORDER BY b;
SELECT percentile_cont(b) WITHIN GROUP (ORDER BY a) FROM g;
SELECT percentile_cont(b*0.1) WITHIN GROUP (ORDER BY a) FROM g GROUP BY b ORDER BY 1;
SELECT percentile_cont(0.5) FROM g;
SELECT percentile_cont(0.5, a) FROM g;
SELECT sum(a) WITHIN GROUP (ORDER BY a) FROM g;
SELECT mode(a) WITHIN GROUP (ORDER BY a) FROM g;
SELECT mode() FROM g;
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY c) FROM g;
SELECT percentile_cont(DISTINCT 0.5) WITHIN GROUP (ORDER BY a) FROM g;
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY a) OVER () FROM g;
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY a) FILTER (WHERE a > 2) FROM g;
SELECT upper('x') WITHIN GROUP (ORDER BY a) FROM g;
SELECT percentile_cont(sum(a)) WITHIN GROUP (ORDER BY a) FROM g;
SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY sum(a)) FROM g;

-- More aggregates
SELECT bit_and(a), bit_or(a), bit_xor(a), every(a>0), bool_and(a>1), bool_or(a>3) FROM g;
SELECT variance(a), stddev(a), var_pop(v), stddev_samp(v::float8), var_pop(a::float4) FROM g;
SELECT corr(a,b), covar_pop(a,b), covar_samp(a,b), regr_avgx(a,b), regr_avgy(a,b), regr_count(a,b), regr_intercept(a,b), regr_r2(a,b), regr_slope(a,b), regr_sxx(a,b), regr_sxy(a,b), regr_syy(a,b) FROM g;
SELECT string_agg(c::bytea, ','), string_agg(c, NULL), string_agg(NULL, ','), min(c), max(a > 1) FROM g;
SELECT pg_typeof(bit_and(a::int2)), pg_typeof(regr_count(a,b)), pg_typeof(percentile_cont(0.5) WITHIN GROUP (ORDER BY a)), pg_typeof(percentile_disc(0.5) WITHIN GROUP (ORDER BY a)), pg_typeof(mode() WITHIN GROUP (ORDER BY v)) FROM g;

-- Aggregates of outer queries
SELECT (SELECT sum(o.a)) FROM g o;
SELECT b, (SELECT sum(o.a) FROM g i WHERE i.a = o.b) FROM g o GROUP BY b ORDER BY 1;
SELECT (SELECT count(o.a) + count(i.a) FROM g i) FROM g o;
SELECT o.a FROM g o WHERE (SELECT sum(o.a)) > 1;
SELECT b FROM g o GROUP BY b HAVING EXISTS (SELECT 1 FROM g i WHERE sum(o.a) > i.a) ORDER BY 1;
SELECT max((SELECT i.a FROM g i WHERE i.a = o.a)) FROM g o;
SELECT sum(a), (SELECT b FROM g i WHERE i.a = max(o.a)) FROM g o;
SELECT min(a) FROM g HAVING min(a) < (SELECT avg(i.a) FROM g i);
DROP TABLE g;
