// One's own reports: by keyboard.
agnes.rows({ row: "[data-report]", list: ".list-of-reports", noun: "report" });
