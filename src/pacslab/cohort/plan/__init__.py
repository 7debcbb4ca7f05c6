"""What a cohort will hold before any file exists: patients, studies, series and instances."""
