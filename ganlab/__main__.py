from ganlab.working_folder import leave_working_folder

leave_working_folder()  # before anything is imported that may lie there under the same name

from ganlab.cli.main import main  # noqa: E402

main()
