-- 37 SET, SET LOCAL, RESET and set_config of one setting in a transaction, with savepoints
show extra_float_digits;
begin; set local extra_float_digits=1; set extra_float_digits=2; set local extra_float_digits=3; commit; show extra_float_digits;
begin; set extra_float_digits=0; set local Extra_Float_digits=3; show extra_float_digits; commit; show extra_float_digits;
begin; set local extra_float_digits=1; set EXTRA_float_digits=2; commit; show extra_float_digits;
begin; set local extra_float_digits=-1; savepoint a; set extra_float_digits=-2; rollback to a; show extra_float_digits; commit; show extra_float_digits;
begin; savepoint a; set local extra_float_digits=-1; rollback to a; set extra_float_digits=-3; commit; show extra_float_digits;
begin; set local extra_float_digits=3; reset extra_float_digits; show extra_float_digits; commit; show extra_float_digits;
set extra_float_digits=2;
begin; set local extra_float_digits=3; reset all; show extra_float_digits; commit; show extra_float_digits;
set extra_float_digits=2;
begin; select set_config('extra_float_digits', '0', true), set_config('extra_float_digits', '-1', false); commit; show extra_float_digits;
begin; select set_config('extra_float_digits', '0', false), set_config('extra_float_digits', '-1', true); show extra_float_digits; commit; show extra_float_digits;
begin; set extra_float_digits = -4; savepoint b; set local extra_float_digits = -5; release b; show extra_float_digits; commit; show extra_float_digits;
begin; set extra_float_digits = -6; rollback; show extra_float_digits;
begin; reset extra_float_digits; rollback; show extra_float_digits;
begin; reset all; rollback; show extra_float_digits;
begin; set local extra_float_digits = 1; savepoint x; set extra_float_digits = 2; release x; commit; show extra_float_digits;
begin; savepoint x; set local extra_float_digits = 1; release x; set extra_float_digits = 3; commit; show extra_float_digits;
