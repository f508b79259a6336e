from ganlab.cli.main import main

main()
