"""What the data is: tables, migrations, the store, and who may see which rows. Imports none of
ours."""
