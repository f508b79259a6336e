from ganlab.working_folder import leave_working_folder

leave_working_folder()  # before any other import

from ganlab.cli.main import main  # noqa: E402

main()
