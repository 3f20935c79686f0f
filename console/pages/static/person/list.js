// The rows of whichever tab is shown, by keyboard and mouse.
agnes.rows({ row: ".rows tr:has(a.at)", list: ".list-of-sessions", noun: "row" });
