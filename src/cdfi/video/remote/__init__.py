"""Work on the jobs of ``cdfi serve`` without a shared folder, over HTTP."""
